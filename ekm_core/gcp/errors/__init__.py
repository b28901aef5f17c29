"""The known errors of Google Cloud: one file each, bound to the name ``ERROR``."""
