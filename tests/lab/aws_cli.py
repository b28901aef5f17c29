"""The AWS CLI, loaded once: each call is a fork of one process that has started already.

``awake`` gives the folder with an ``aws`` that hands its arguments, environment, folder and streams to that process,
which is this file, run by the Python of the CLI's environment; so it imports nothing of ours: ``aws_cli.py SOCKET``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AWS = """#!{python} -IS
import json, os, socket, sys
cli = socket.socket(socket.AF_UNIX)
cli.connect({address!r})
said = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(cli, [said[:1]], [0, 1, 2])
cli.sendall(said[1:])
cli.shutdown(socket.SHUT_WR)
sys.exit(cli.recv(1)[0])
"""


@contextmanager
def awake() -> Iterator[Path]:
    """A folder for the PATH."""
    from tests.lab.programs import installed

    python = installed("awscli") / "python"
    with tempfile.TemporaryDirectory(prefix="ekm-aws-") as name:
        tools, address = Path(name, "bin"), f"{name}/cli"
        tools.mkdir()
        (tools / "aws").write_text(_AWS.format(python=sys.executable, address=address))
        (tools / "aws").chmod(0o755)
        process = subprocess.Popen([python, __file__, address], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield tools
        finally:
            process.terminate()
            process.wait(timeout=20)


def _serve(address: str) -> None:
    before = dict(os.environ)
    from awscli import clidriver

    own = {name: value for name, value in os.environ.items() if before.get(name) != value}  # where its data lies
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks: who called reads how they ended
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    print("ready", flush=True)
    while True:
        caller, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            said, streams, *_ = socket.recv_fds(caller, 1, 3)
            with caller.makefile("rb") as rest:
                arguments, environment, folder = json.loads(said + rest.read())
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update({**environment, **own})
            sys.argv = ["aws", *arguments]
            ended = clidriver.main()
            sys.stdout.flush()
            sys.stderr.flush()
            caller.sendall(bytes([ended]))
            os._exit(0)
        caller.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
