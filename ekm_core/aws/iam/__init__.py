"""AWS's policy evaluation, offline: documents (grammar), matching, conditions, evaluate. Standard library only."""
