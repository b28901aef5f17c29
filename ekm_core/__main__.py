"""``python -m ekm_core``: see ``ekm_core.cli``."""

import io
import signal
import sys

from ekm_core.cli import main

for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal may not know the quotes of our sentences
signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was begun is taken away again
sys.exit(main())
