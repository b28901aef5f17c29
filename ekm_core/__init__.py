"""The core of the EKM Troubleshooter: what an error is, which cause holds, how to mend it."""

VERSION = "1.0.0"
"""Of the product; it stands in every report, and a report of a newer one is not opened."""
