"""The laboratory: stand-ins of the clouds and of OpenAI on this machine, reached at their production addresses.

``programs``: those in environments of their own. ``servers``: ministack, and servers of ours in a thread.
``frame``: the proxy that leads every production host to its stand-in and refuses all others. ``aws``, ``gcp``,
``azure``, ``openai``: the stand-ins. ``setups``: one file a set-up of a customer's cloud, healthy or broken.
"""
