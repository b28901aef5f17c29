"""The known errors of AWS: one file each, bound to the name ``ERROR``."""
