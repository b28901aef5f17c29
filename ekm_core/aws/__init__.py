"""Everything that is known about AWS."""
