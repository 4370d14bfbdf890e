from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from converters import registry
from converters.devices import browser, cache
from converters.devices.browser import Browser

Offers = Callable[..., Path]
OFFER = {"version": "Fake 1.0", "adapter": "acme gpu", "software": False, "flags": ["--x"]}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a browser, and a cache of its own."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(browser, "PLACES", ())


@pytest.fixture
def litert() -> Path:
    folder = cache.folder("litertjs", browser.LITERT) / "node_modules/@litertjs"
    for name in ("core/dist/index.js", "wasm-utils/dist/bundle.js"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    return folder


def program(path: Path, text: str = "exit 3") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def known(found: Path, **changes: object) -> None:
    """Notes an offer as if the browser had been asked."""
    notes = cache.root() / "devices/browser-offer.json"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_text(json.dumps({**OFFER, "key": browser._key(Browser(found)), **changes}))


def test_no_browser_is_missing_with_the_command() -> None:
    (device,) = browser.devices()
    assert device.name == ""
    assert device.missing == "no Chromium or Chrome was found"
    assert device.remedy == "edge-export devices install browser"


def test_a_variable_that_names_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium")
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "gone"))
    (device,) = browser.devices()
    assert f"EDGE_EXPORT_CHROMIUM names {tmp_path / 'gone'}, which is no program" in device.missing
    assert "unset EDGE_EXPORT_CHROMIUM" in device.remedy


def test_a_browser_without_litert_is_missing(tmp_path: Path) -> None:
    program(tmp_path / "bin/google-chrome")
    (device,) = browser.devices()
    assert device.missing == "LiteRT.js 2.5.3 is not installed"
    assert device.remedy == "edge-export devices install browser"


def test_a_broken_browser_is_missing_with_its_last_words(litert: Path, tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium", "echo libnss3.so: no such file >&2; exit 127")
    (device,) = browser.devices()
    assert "libnss3.so: no such file" in device.missing
    assert "EDGE_EXPORT_CHROMIUM" in device.remedy


def test_what_it_offers_are_the_devices(litert: Path, tmp_path: Path) -> None:
    found = program(tmp_path / "bin/chromium")
    known(found)
    wasm, webgpu = browser.devices()
    assert (wasm.name, wasm.missing, wasm.emulated) == ("wasm", "", False)
    assert (webgpu.name, webgpu.emulated) == ("webgpu", False)
    assert webgpu.version == "LiteRT.js 2.5.3 in Fake 1.0, WebGPU on acme gpu"
    assert browser.flags_for("webgpu") == ("--x",)
    assert browser.flags_for("wasm") == browser.WASM_FLAGS
    known(found, software=True)
    assert browser.devices()[1].emulated
    known(found, adapter="")
    assert [device.name for device in browser.devices()] == ["wasm"]


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"key": 1}', '{"key": "KEY", "version": 1, "other": 2}'])
def test_damaged_notes_are_asked_again(notes: str, litert: Path, tmp_path: Path) -> None:
    found = program(tmp_path / "bin/chromium")
    known(found)
    path = cache.root() / "devices/browser-offer.json"
    path.write_text(notes.replace('"KEY"', json.dumps(browser._key(Browser(found)))))
    assert "does not start" in browser.devices()[0].missing


def test_a_changed_browser_is_asked_again(litert: Path, tmp_path: Path) -> None:
    found = program(tmp_path / "bin/chromium")
    known(found)
    assert browser.devices()[0].name == "wasm"
    program(found, "exit 4 # changed")
    assert "exit code 4" in browser.devices()[0].missing


def test_finding_is_quick(litert: Path, tmp_path: Path) -> None:
    known(program(tmp_path / "bin/chromium"))
    start = time.perf_counter()
    assert len(browser.devices()) == 2
    assert time.perf_counter() - start < 0.2


def test_the_order_of_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(browser.chromium_folder() / "usr/lib/chromium/chromium")
    (browser.chromium_folder() / "usr/lib/x86_64-linux-gnu").mkdir()
    found = browser.find_browser()
    assert found is not None
    assert found.executable == own
    assert found.env["LD_LIBRARY_PATH"] == str(browser.chromium_folder() / "usr/lib/x86_64-linux-gnu")
    system = program(tmp_path / "bin/google-chrome")
    assert browser.find_browser() == Browser(system)
    monkeypatch.setenv(browser.VARIABLE, str(own))
    assert browser.find_browser() == Browser(own)


def test_the_runtimes_are_named_by_their_accelerator(litert: Path, tmp_path: Path) -> None:
    known(program(tmp_path / "bin/chromium"))
    registry.devices.cache_clear()
    try:
        names = [(spec.name, spec.worker) for spec in registry.select("litert-web")]
    finally:
        registry.devices.cache_clear()
    assert names == [("litert-web[wasm]", "browser[wasm]"), ("litert-web[webgpu]", "browser[webgpu]")]


def test_a_real_browser_is_asked_once(
    needs_chromium: Path, litert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv(browser.VARIABLE, str(needs_chromium))
    first = browser.devices()
    assert first[0].name == "wasm", first[0].missing
    assert "Chrom" in first[0].version
    monkeypatch.setattr(browser, "Chromium", None)
    assert browser.devices() == first
