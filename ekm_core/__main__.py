"""``python -m ekm_core``: see ``ekm_core.cli``."""

import signal
import sys

from ekm_core.cli import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was begun is taken away again
sys.exit(main())
