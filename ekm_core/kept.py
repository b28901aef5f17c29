"""What takes a second to make and is the same every time: compiled patterns, kept between runs in the user's folder.

Nothing of what is pasted or read ever comes here. Whatever cannot be kept or read again is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

_UNUSED = 30 * 24 * 3600  # seconds, after which what nobody asked for is removed

_DIGEST = hashlib.sha256().digest_size


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ekm-troubleshooter"


def key(*parts: bytes) -> str:
    """A name for what these make: another one if any of them differs."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def get(name: str) -> bytes | None:
    """What is kept under the name, None if nothing is, if it is damaged or if somebody else could have put it there."""
    try:
        folder = _folder()
        if os.name == "posix" and (folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022):
            return None
        path = folder / name
        found = path.read_bytes()
        os.utime(path)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    data = found[_DIGEST:]
    return data if hashlib.sha256(data).digest() == found[:_DIGEST] else None


def put(name: str, data: bytes) -> None:
    """Keeps the data, if the system lets us, and removes what has not been asked for in a month."""
    with contextlib.suppress(OSError, RuntimeError):
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        Path(temporary).replace(folder / name)
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > _UNUSED:
                path.unlink(missing_ok=True)
