"""Live read-only probes: what a step is, how steps are run, and the process of their own that they run in.

A probe gathers the same ``Exhibit``s that a person could paste, so that every check works on both. Each cloud's
``probe.py`` says which calls there are; nothing here imports a cloud's SDK.
"""
