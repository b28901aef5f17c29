"""The known errors of the OpenAI management API: one file each, bound to the name ``ERROR``."""
