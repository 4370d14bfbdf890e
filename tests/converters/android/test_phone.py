from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sample_bundle
from phones import EMULATOR, PIXEL, Phones, phones  # noqa: F401 - a fixture

from converters.android import phone
from converters.errors import ModelError, ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError, UnsupportedError
from pipeline.bundle import write_bundle

# ruff: noqa: F811 - the fixture `phones`


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "out")


def nothing_is_left(folder: Path) -> bool:
    left = [path for path in (folder / "data").rglob("*") if path.is_file()]
    return not (folder / "installed").exists() and not left


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_a_bundle_is_checked_and_nothing_is_left_behind(phones: Phones, bundle: Path):
    folder = phones.add()
    said: list[str] = []
    answer = phone.self_check("PIXEL", bundle, 30, say=said.append)
    assert answer.document["outcome"] == "PASSED"
    assert said[:2] == ["installing edge-export-demo-0.1.0-arm64-v8a.apk", f"copying {bundle.name}"]
    assert len(answer.document["cells"]) == 2
    assert not answer.emulated
    assert nothing_is_left(folder)
    first = calls(folder)
    assert any(line.startswith("install") and line.endswith("edge-export-demo-0.1.0-arm64-v8a.apk") for line in first)


def test_an_emulator_takes_the_apk_of_its_processor(phones: Phones, bundle: Path):
    folder = phones.add("emulator-5554", properties=EMULATOR)
    assert phone.self_check("emulator-5554", bundle, 30).emulated
    assert any("0.1.0-x86_64.apk" in line for line in calls(folder))


def test_an_app_that_was_there_before_stays(phones: Phones, bundle: Path):
    folder = phones.add()
    (folder / "installed").write_text("an older one")
    (folder / "data/data/dev.edgeexport.demo/files").mkdir(parents=True)
    phone.self_check("PIXEL", bundle, 30)
    assert (folder / "installed").read_text() == "an APK for arm64-v8a"


def test_an_app_of_another_key_is_replaced(phones: Phones, bundle: Path):
    folder = phones.add(faults=["other-key"])
    (folder / "installed").write_text("somebody's")
    phone.self_check("PIXEL", bundle, 30)
    assert any(line.startswith("uninstall") for line in calls(folder))


ENDS = {
    "crashes": (ToolkitCrash, r"ended on PIXEL without a report: not a word; the end of its log:\n(.*\n)*.*planted"),
    "cannot-write": (ToolkitCrash, r"ended on PIXEL without a report: self-check failed: no space is left"),
    "hangs": (ToolkitTimeout, r"made no step for 2 s and was stopped; the end of its log:\n.*step 1/2 first"),
    "garbage": (ModelError, "what the app wrote on PIXEL is no JSON"),
    "list": (ModelError, "what the app wrote on PIXEL is no report"),
    "refuses": (ModelError, "the app on PIXEL says: the file `a.tflite` was changed"),
}


@pytest.mark.parametrize("how", ENDS)
def test_every_end_of_the_app_is_an_outcome_and_the_device_is_cleaned_up(phones: Phones, bundle: Path, how: str):
    folder = phones.add(how=how)
    kind, words = ENDS[how]
    with pytest.raises(kind, match=words):
        phone.self_check("PIXEL", bundle, 2)
    assert nothing_is_left(folder)


def test_a_device_that_vanishes_leaves_the_end_of_its_log(phones: Phones, bundle: Path):
    phones.add(how="hangs", faults=["vanishes"])
    with pytest.raises(ToolkitCrash, match="PIXEL does not answer any more(.*\n)*.*the GPU driver fell over"):
        phone.self_check("PIXEL", bundle, 30)


def test_a_log_that_stays_empty_is_not_waited_for(phones: Phones, bundle: Path):
    phones.add(faults=["silent"])
    assert phone.self_check("PIXEL", bundle, 30).document["outcome"] == "PASSED"


@pytest.mark.parametrize("fault", ["full", "full-push"])
def test_a_full_device_is_said_to_be_full(phones: Phones, bundle: Path, fault: str):
    folder = phones.add(faults=[fault])
    with pytest.raises(UnavailableError, match="PIXEL is full: .*; free some space on it"):
        phone.self_check("PIXEL", bundle, 30)
    assert nothing_is_left(folder)


def test_what_cannot_be_installed_is_told_in_the_devices_words(phones: Phones, bundle: Path, monkeypatch):
    phones.add(faults=["other-key"])
    monkeypatch.setattr(phone._Run, "_quietly", lambda *_: None)  # the app that is in the way cannot be removed
    (phones.folder / "PIXEL/installed").write_text("somebody's")
    with pytest.raises(
        ToolkitError, match=r"0\.1\.0-arm64-v8a\.apk cannot be installed on PIXEL: .*UPDATE_INCOMPATIBLE"
    ):
        phone.self_check("PIXEL", bundle, 30)


def test_an_old_device_or_another_processor_is_refused(phones: Phones, bundle: Path):
    phones.add("OLD", properties={**PIXEL, "ro.build.version.sdk": "24"})
    phones.add("ARM7", properties={**PIXEL, "ro.product.cpu.abilist": "armeabi-v7a"})
    with pytest.raises(UnsupportedError, match="OLD has Android of API 24, the app needs 26"):
        phone.self_check("OLD", bundle, 30)
    with pytest.raises(UnavailableError, match=r"holds no APK for ARM7 \(armeabi-v7a\); to have one: make apk"):
        phone.self_check("ARM7", bundle, 30)


def test_an_apk_can_be_named(phones: Phones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.apk").write_text("mine")
    monkeypatch.setenv(phone.APK_VARIABLE, str(tmp_path / "mine.apk"))
    assert phone.find_apk("PIXEL", PIXEL) == tmp_path / "mine.apk"
    monkeypatch.delenv(phone.APK_VARIABLE)
    with pytest.raises(UnavailableError, match="dist/android holds no APK"):
        phone.find_apk("PIXEL", PIXEL)


def test_a_check_that_nobody_waits_for_ends_and_cleans_up(phones: Phones, bundle: Path):
    folder = phones.add(how="hangs")
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(ToolkitCrash, match="was interrupted"):
        phone.self_check("PIXEL", bundle, 60, stop)
    assert time.monotonic() - begun < 20
    assert nothing_is_left(folder)


def test_single_files_are_refused_with_the_command_that_works():
    with pytest.raises(UnsupportedError, match=r"validate BUNDLE --runtime android\[X\]"):
        phone.open(None, "android[X]", 1)
