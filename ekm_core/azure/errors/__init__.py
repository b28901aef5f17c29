"""The known errors of Azure: one file each, bound to the name ``ERROR``."""
