from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from converters.devices.chromium import Chromium, PageError
from converters.errors import ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError


@pytest.fixture(scope="module")
def browser(needs_chromium: Path) -> Iterator[Chromium]:
    started = Chromium(needs_chromium, ["--disable-gpu"])
    yield started
    started.close()


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_values_come_back_and_promises_are_waited_for(browser: Chromium) -> None:
    page = browser.page("about:blank")
    assert page.evaluate("[1 + 1, 'ä', null, {a: true}]") == [2, "ä", None, {"a": True}]
    assert page.evaluate("new Promise((done) => setTimeout(() => done('later'), 20))") == "later"
    assert page.evaluate("'x'.repeat(3e6).length") == 3_000_000
    assert len(page.evaluate("'é'.repeat(1e6)")) == 1_000_000
    page.close()


def test_what_a_page_throws_is_its_own_error(browser: Chromium) -> None:
    page = browser.page("about:blank")
    with pytest.raises(PageError, match=r"ReferenceError: nothing is not defined"):
        page.evaluate("nothing()")
    with pytest.raises(PageError, match=r"Error: no\n"):
        page.evaluate("Promise.reject(new Error('no'))")
    assert page.evaluate("1") == 1


def test_the_console_is_told_once_and_apart(browser: Chromium) -> None:
    one, other = browser.page("about:blank"), browser.page("about:blank")
    one.evaluate("console.log('a', 1); console.error('b')")
    other.evaluate("console.log('c')")
    assert one.console() == ["a 1", "b"]
    assert one.console() == []
    assert other.console() == ["c"]


def test_an_address_that_does_not_answer(browser: Chromium) -> None:
    with pytest.raises(ToolkitError, match=r"cannot open http://127.0.0.1:1/: net::ERR"):
        browser.page("http://127.0.0.1:1/")


def test_a_page_that_hangs_or_dies(browser: Chromium) -> None:
    with pytest.raises(ToolkitTimeout, match=r"did not answer Runtime.evaluate in time"):
        browser.page("about:blank").evaluate("(() => { for (;;); })()", 0.5)
    with pytest.raises(ToolkitCrash, match=r"the page died while it worked"):
        browser.page("about:blank").send("Page.crash", 20)
    assert browser.page("about:blank").evaluate("2") == 2


def test_a_browser_that_is_killed_says_so_and_leaves_nothing(needs_chromium: Path) -> None:
    started = Chromium(needs_chromium, ["--disable-gpu"])
    (process,) = psutil.Process(started._keeper.pid).children()
    (profile,) = [part.partition("=")[2] for part in process.cmdline() if part.startswith("--user-data-dir=")]
    assert ("--no-sandbox" in process.cmdline()) >= (os.geteuid() == 0)
    process.kill()
    with pytest.raises(ToolkitCrash, match=r"the browser ended of SIGKILL"):
        started.page("about:blank")
    started.close()
    assert not Path(profile).exists()
    assert profile not in subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout


def test_no_port_is_opened(browser: Chromium) -> None:
    started = psutil.Process(browser._keeper.pid).children(recursive=True)
    listening = [c for process in started for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert not listening


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "echo libnss3.so: cannot open shared object file >&2; exit 127",
            r"exit code 127.*\n  libnss3.so: cannot open",
        ),
        ("exit 0", r"does not start: the browser ended with exit code 0"),
        ("kill -SEGV $$", r"the browser ended of SIGSEGV"),
        ("exec sleep 100", r"did not answer Browser.getVersion in time"),
    ],
)
def test_what_is_no_browser_is_unavailable(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=words):
        Chromium(script(tmp_path / "chromium", text), start_s=1.0)


def test_where_no_sandbox_can_be_had_it_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    fake = script(
        tmp_path / "chromium",
        'case "$*" in *--no-sandbox*) printf \'{"id":1,"result":{"product":"Fake/1"}}\\0\' >&4; cat <&3 >/dev/null;;'
        " *) echo 'FATAL: No usable sandbox!' >&2; exit 1;; esac",
    )
    started = Chromium(fake)
    assert started.version == "Fake/1"
    started.close()
