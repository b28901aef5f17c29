"""``python -m ekm_core``: see ``ekm_core.cli``."""

import sys

from ekm_core.cli import main

sys.exit(main())
