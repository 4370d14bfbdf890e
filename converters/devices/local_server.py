"""Files of this machine for a browser of this machine: folders by name, and contents that pass once each way."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""With these a page may share memory between threads, and its clock ticks every 5 µs instead of 100."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
PASSED = "passed"
"""The path under which contents pass."""


class LocalServer:
    """Serves `mounts`, folders by the path that they appear under ("" is the root), while it is open.

    Only requests to this machine's own address or name are answered, so that no stranger's page reaches it.
    """

    def __init__(self, mounts: Mapping[str, Path], port: int = 0) -> None:
        """Starts serving at `port`; 0 takes any that is free.

        Raises:
            OSError: the port is taken.
        """
        self.mounts = {name: folder.resolve() for name, folder in mounts.items()}
        self._passed: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._server = ThreadingHTTPServer((HOST, port), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """The root, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def offer(self, content: bytes, ending: str = ".bin") -> str:
        """The path from which `content` can be fetched, until it is taken back by `take`; its kind by its ending."""
        path = self.expect() + ending
        self._passed[path] = content
        return path

    def expect(self) -> str:
        """A path to which a page can post content."""
        return f"/{PASSED}/{next(self._numbers)}"

    def take(self, path: str) -> bytes:
        """What was offered or posted under `path`; it is gone from here then.

        Raises:
            KeyError: nothing was.
        """
        return self._passed.pop(path)

    def wait(self) -> None:
        """Returns when the server is closed, or on Ctrl-C by that."""
        self._thread.join()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()

    def find(self, path: str) -> Path | None:
        """The file that a path of a request names; None outside the folders."""
        parts = [part for part in unquote(urlsplit(path).path).split("/") if part]
        for length in range(len(parts), -1, -1):
            folder = self.mounts.get("/".join(parts[:length]))
            if folder is not None:
                found = folder.joinpath(*parts[length:]).resolve()
                return found if found.is_relative_to(folder) and found.is_file() else None
        return None


class _Handler(SimpleHTTPRequestHandler):
    """Answers from the folders of its server and from what is passed."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a small body would wait 40 ms for the answer to its headers

    def __init__(self, local: LocalServer, *arguments: object) -> None:
        self.local = local
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """A file, or what was offered."""
        content = self.local._passed.get(self.path)
        if not self._is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif content is not None:
            self._answer(content, self._kind(self.path))
        elif found := self.local.find(self.path):
            self._answer(found.read_bytes(), self._kind(found.name))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """What a page passes to us."""
        if not self._is_ours() or not self.path.startswith(f"/{PASSED}/"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        self.local._passed[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"", "text/plain")

    def log_message(self, *_: object) -> None:
        """Nothing: the address is all that a user needs."""

    def _is_ours(self) -> bool:
        name = self.headers.get("Host", "").rpartition(":")[0]
        origin = self.headers.get("Origin")
        return name in (HOST, "localhost") and origin in (None, f"http://{self.headers['Host']}")

    def _kind(self, name: str) -> str:
        return TYPES.get(Path(name).suffix) or self.guess_type(name)

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        for name, value in ISOLATED.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
