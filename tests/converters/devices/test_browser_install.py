from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.devices import browser, browser_install, cache, debian
from converters.devices.browser import Offer
from converters.errors import DiskFullError, UnavailableError

NPM = """
for name in core/dist/index.js wasm-utils/dist/bundle.js; do
  /bin/mkdir -p "node_modules/@litertjs/${name%/*}" && echo made > "node_modules/@litertjs/$name"
done
echo run >> "$RUNS"
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing on its PATH, and a cache of its own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setattr(browser, "ask", lambda found: Offer("Fake 1.0", "acme", False, ()))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


def installed() -> list[str]:
    said: list[str] = []
    browser_install.install(said.append)
    return said


def test_all_is_there_already_after_the_first_time(program: Callable[[str, str], Path], tmp_path: Path) -> None:
    program("npm", NPM)
    program("chromium", "")
    first, again = installed(), installed()
    assert "fetching @litertjs/core 2.5.3, @litertjs/wasm-utils 2.5.3 by npm" in first
    assert again == [line for line in first if not line.startswith("fetching")]
    assert (tmp_path / "runs").read_text() == "run\n"
    assert browser.litert_folder() is not None


def test_what_is_damaged_is_made_anew(program: Callable[[str, str], Path]) -> None:
    program("npm", NPM)
    program("chromium", "")
    installed()
    folder = browser.litert_folder()
    assert folder
    (folder / "core/dist/index.js").unlink()
    assert any("is damaged" in line for line in installed())
    assert (folder / "core/dist/index.js").read_text() == "made\n"


def test_npm_gets_versions_with_integrity_and_no_address(program: Callable[[str, str], Path], tmp_path: Path) -> None:
    program("npm", f'{NPM}\n/bin/cp package-lock.json "{tmp_path}"\necho "$@" > "{tmp_path}/arguments"')
    program("chromium", "")
    installed()
    lock = json.loads((tmp_path / "package-lock.json").read_text())
    found = {name: row for name, row in lock["packages"].items() if name}
    assert sorted(found) == ["node_modules/@litertjs/core", "node_modules/@litertjs/wasm-utils"]
    assert all(re.fullmatch(r"sha512-[\w+/]{86}==", row["integrity"]) for row in found.values())
    assert "http" not in (tmp_path / "package-lock.json").read_text()
    assert (tmp_path / "arguments").read_text().startswith("ci --ignore-scripts")


def test_no_npm_is_said() -> None:
    with pytest.raises(UnavailableError, match=r"npm is not on PATH.*apt-get install npm"):
        installed()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("npm error code EINTEGRITY", UnavailableError),
        ("npm error network request failed", UnavailableError),
        ("npm error ENOSPC: no space left on device", DiskFullError),
    ],
)
def test_what_npm_says_is_told_and_nothing_stays(
    words: str, error: type[Exception], program: Callable[[str, str], Path]
) -> None:
    program("npm", f"{NPM}\necho '{words}' >&2\nexit 1")
    with pytest.raises(error, match=rf"npm cannot fetch LiteRT.js.*{words}"):
        installed()
    assert browser.litert_folder() is None


def test_npm_that_never_ends_is_stopped(program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    program("npm", "exec /bin/sleep 100")
    monkeypatch.setattr(browser_install, "NPM_TIMEOUT_S", 0.3)
    with pytest.raises(UnavailableError, match=r"not done after 0 s; is the network slow"):
        installed()


def test_root_installs_chromium_by_apt(
    program: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm", NPM)
    program(
        "apt-get", f'[ $1 = install ] && echo "$@" > "{tmp_path}/asked" && /bin/cp "$0" "{tmp_path}/bin/chromium"; true'
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "Fake 1.0 is at" in installed()[-1]
    assert (tmp_path / "asked").read_text() == "install -y --no-install-recommends chromium chromium-common\n"


def test_ubuntu_s_package_without_a_browser_is_said(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm", NPM)
    program("apt-get", "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(UnavailableError, match=r"holds no browser; install Chrome or Chromium by your system's"):
        installed()


def test_others_unpack_it_into_the_cache(program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(packages: list[str], folder: Path, say: Callable[[str], None]) -> None:
        assert packages == list(browser.CHROMIUM_PACKAGES)
        (folder / "usr/lib/chromium").mkdir(parents=True)
        (folder / "usr/lib/chromium/chromium").touch(0o755)

    program("npm", NPM)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "unpack", unpack)
    assert str(browser.chromium_folder()) in installed()[-1]
    monkeypatch.setattr(debian, "unpack", None)
    assert str(browser.chromium_folder()) in installed()[-1]


def test_where_nothing_can_be_unpacked_the_way_by_hand_is_said(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm", NPM)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnavailableError, match=r"no Chromium could be brought: .*has no apt-get.*EDGE_EXPORT_CHROMIUM"):
        installed()


def test_a_variable_that_names_nothing_is_said(
    program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm", NPM)
    monkeypatch.setenv(browser.VARIABLE, "/nothing")
    with pytest.raises(UnavailableError, match=r"EDGE_EXPORT_CHROMIUM names /nothing, which is no program"):
        installed()
