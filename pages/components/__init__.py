"""Drawing pieces that the pages share."""
