"""Everything that is known about Google Cloud."""
