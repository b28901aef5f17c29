"""The core of the EKM Troubleshooter: what an error is, which cause holds, how to mend it."""
