"""A proxy on the loopback address between a client and an HTTP server, which misbehaves on request.

Every request asks `fault` what becomes of it:

    pass    it is delivered and answered
    refuse  the connection is reset before anything is read
    hang    it is read and never answered; the server does not see it
    late    as hang, but the server sees it after the client has given up
    error   status 500 without the server having seen it
    lose    the server does it, and the connection is closed before the answer
    slow    it is delivered and answered after a while
"""

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("refuse", "hang", "late", "error", "lose", "slow")
HOP = {"connection", "transfer-encoding", "keep-alive", "host"}


class FaultProxy:
    """A context manager; `uri` is where the client connects.

    Args:
        upstream: port of the server on 127.0.0.1.
        fault: name of what happens to the next request.
        hold: seconds that a hanging request is held, and a slow one delayed.
    """

    def __init__(self, upstream: int, fault: Callable[[], str], *, hold: float = 1.5) -> None:
        self.counts: dict[str, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, upstream, hold))
        self._server.daemon_threads = True
        self._fault = fault
        self._lock = threading.Lock()
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def next_fault(self) -> str:
        with self._lock:
            name = self._fault()
            self.counts[name] = self.counts.get(name, 0) + 1
            return name

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(  # noqa: C901 - the methods of a class inside count as its branches
    proxy: FaultProxy, upstream: int, hold: float
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()
                return
            self.close_connection = True

        def parse_request(self) -> bool:
            self.fault = proxy.next_fault()
            if self.fault == "refuse":
                self._reset()
                return False
            return super().parse_request()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.fault == "error":
                self._answer(500, [], b"the server has a bad day")
                return
            if self.fault in ("hang", "late", "slow"):
                time.sleep(hold)
            if self.fault == "hang":
                self._reset()
                return
            status, headers, content = self._delivered(body)
            if self.fault in ("lose", "late"):
                self._reset()
                return
            self._answer(status, headers, content)

        def _delivered(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            server = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            server.request(self.command, self.path, body, headers)
            response = server.getresponse()
            content = response.read()
            server.close()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP]
            return response.status, [(n, v) for n, v in kept if n.lower() != "content-length"], content

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _reset(self) -> None:
            """Close with a reset, as a kernel does for a process that died."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, *_: object) -> None:
            return

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    return Handler
