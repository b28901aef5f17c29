"""Google Cloud's evaluator: the token exchange (``federation``) and IAM bindings (``bindings``), with CEL (``cel``)."""
