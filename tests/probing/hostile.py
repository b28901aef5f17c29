"""A server of raw sockets that misbehaves as its path says; it also takes the requests that are meant for a proxy."""

import contextlib
import functools
import gzip
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = 400  # chunks of a megabyte, or drops; nobody reads so far


def _endless(out):
    out.sendall(HEAD + b"\r\n")
    for _ in range(ENDLESS):
        out.sendall(b"[" * (1 << 20))


def _drip(out):
    out.sendall(HEAD + b"\r\n")
    for _ in range(ENDLESS):
        out.sendall(b" ")
        time.sleep(0.05)


def _slow_head(out):
    out.sendall(HEAD)
    for number in range(ENDLESS):
        out.sendall(f"X-{number}: y\r\n".encode())
        time.sleep(0.05)


def _reset(out):
    out.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
    out.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@functools.cache
def _packed():
    """128 MiB of nothing, packed twice, made piece by piece: this process is measured."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(1 << 7)), packer.flush()])
    return gzip.compress(packed, 9)


def _bomb(out):
    body = _packed()
    out.sendall(HEAD + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _plain(body, head=HEAD):
    return lambda out: out.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


BEHAVIOURS = {
    "endless": _endless,
    "drip": _drip,
    "slow-head": _slow_head,
    "reset": _reset,
    "bomb": _bomb,
    "silent": lambda out: time.sleep(10),
    "closed": lambda out: None,
    "fine": _plain(b'{"fine": true}'),
    "list": _plain(b"[1, 2]"),
    "text": _plain(b"\xff\xfe no JSON"),
    "deep": _plain(b"[" * 200_000),
    "nonsense": lambda out: out.sendall(b"\x00\x01\x02 hello\r\n\r\n"),
    "short": _plain(b"{}", HEAD + b"X: y\r\nContent-Length: 100\r\n"),
    "not-gzip": _plain(b"no gzip at all", HEAD + b"Content-Encoding: gzip\r\n"),
    "redirect": _plain(b"", b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data\r\n"),
    "busy": _plain(b"{}", b"HTTP/1.1 429 Too Many\r\nRetry-After: 999999\r\n"),
    "header": lambda out: out.sendall(HEAD + b"X: " + b"y" * (1 << 20) + b"\r\n\r\n"),
    "headers": lambda out: out.sendall(HEAD + b"X: y\r\n" * 100_000 + b"\r\n"),
}


@contextlib.contextmanager
def serve() -> Iterator[tuple[str, list[str]]]:
    """("http://127.0.0.1:PORT", the first lines of all requests so far)."""
    _packed()
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[str] = []

    def answer(out):
        with contextlib.suppress(OSError), out:
            line = out.recv(65536).split(b"\r\n", 1)[0].decode("latin-1")
            asked.append(line)
            BEHAVIOURS[line.split()[1].rsplit("/", 1)[-1]](out)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                out, _ = listener.accept()
                threading.Thread(target=answer, args=(out,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.close()
