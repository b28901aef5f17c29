"""Everything that is known about Azure."""
