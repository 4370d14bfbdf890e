from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.devices.local_server import LocalServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    (tmp_path / "root/deep").mkdir(parents=True)
    (tmp_path / "root/deep/a b.js").write_text("let a;")
    (tmp_path / "root/code.wasm").write_bytes(b"\0asm")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root/link.txt").symlink_to(tmp_path / "secret.txt")
    running = LocalServer({"": tmp_path / "root", "mounted/here": tmp_path / "other"})
    yield running
    running.close()


def ask(
    server: LocalServer, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read(), dict(reply.getheaders())


def test_files_come_from_their_folders_as_what_they_are(server: LocalServer) -> None:
    status, body, headers = ask(server, "/deep/a%20b.js?x=1")
    assert (status, body, headers["Content-Type"]) == (200, b"let a;", "text/javascript")
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert ask(server, "/code.wasm")[2]["Content-Type"] == "application/wasm"
    assert ask(server, "/mounted/here/x.json")[1] == b"{}"
    assert ask(server, "/code.wasm", "HEAD")[1] == b""
    assert server.address == f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "path",
    ["/", "/deep", "/none", "/../secret.txt", "/%2e%2e/secret.txt", "/mounted/here/../../secret.txt", "/link.txt"],
)
def test_nothing_else_is_shown(path: str, server: LocalServer) -> None:
    status, body, _ = ask(server, path)
    assert status == 404
    assert b"secret" not in body


def test_strangers_pages_get_nothing(server: LocalServer) -> None:
    assert ask(server, "/code.wasm", Host="evil.example:80")[0] == 403
    assert ask(server, "/code.wasm", Origin="http://evil.example")[0] == 403
    assert ask(server, "/code.wasm", Origin=server.address)[0] == 200
    assert ask(server, server.expect(), "POST", b"x", Origin="http://evil.example")[0] == 403
    assert ask(server, "/code.wasm", "POST", b"x")[0] == 403


def test_contents_pass_once(server: LocalServer) -> None:
    offered, expected = server.offer(b"there", ".html"), server.expect()
    status, body, headers = ask(server, offered)
    assert (status, body, headers["Content-Type"]) == (200, b"there", "text/html")
    assert server.take(offered) == b"there"
    assert ask(server, offered)[0] == 404
    assert ask(server, expected, "POST", b"back")[0] == 200
    assert server.take(expected) == b"back"
    with pytest.raises(KeyError):
        server.take(expected)


def test_a_taken_port_is_said(server: LocalServer) -> None:
    with pytest.raises(OSError, match="in use"):
        LocalServer({}, server.port)
