"""What the devices' own reports become: cells beside ours, and whatever a device leaves out or gets wrong."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import app_bundle
import pytest
import sample_bundle
from phones import EMULATOR, Phones, phones  # noqa: F401 - a fixture
from typer.testing import CliRunner

from converters import registry
from converters.android import jvm
from converters.contract import RuntimeSpec
from converters.errors import UsageError
from pipeline.bundle import open_bundle, write_bundle
from pipeline.bundle.read import Bundle
from pipeline.checks.outcome import Cell, Outcome
from pipeline.cli import app
from pipeline.phones import require_bundle, self_checked, split

# ruff: noqa: F811 - the fixture `phones`
ROOT = Path(__file__).resolve().parent.parent.parent
STEP_S = 5.0


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    contents = dataclasses.replace(sample_bundle.contents(tmp_path / "store"), gates=ROOT / "configs/gates.toml")
    return open_bundle(write_bundle(contents, tmp_path / "out"))


def cells(bundle: Bundle, name: str = "android") -> list[Cell]:
    return list(self_checked(bundle, registry.select(name), STEP_S))


def test_a_devices_cells_are_told_apart_by_its_serial(phones: Phones, bundle: Bundle):
    phones.add("ONE")
    found = cells(bundle)
    assert [cell.artifact for cell in found] == [artifact.path.name for artifact in bundle.artifacts]
    assert {cell.runtime for cell in found} == {"android[ONE,tflite]"}
    assert all(cell.outcome is Outcome.PASSED for cell in found)
    assert found[0].metrics == {"parity.snr_db": 120.5, "latency.latency_ms_p50": 1.5}


def test_several_devices_work_side_by_side_and_none_takes_another_down(phones: Phones, bundle: Bundle):
    for serial, how in (("ONE", "works"), ("TWO", "crashes"), ("THREE", "fails"), ("FOUR", "works")):
        phones.add(serial, how, state="unauthorized" if serial == "FOUR" else "device")
    found = {(cell.runtime, cell.outcome) for cell in cells(bundle)}
    assert found == {
        ("android[ONE,tflite]", Outcome.PASSED),
        ("android[TWO]", Outcome.CRASHED),
        ("android[THREE,tflite]", Outcome.FAILED),
        ("android[FOUR]", Outcome.NOT_RUN),
    }


def test_an_emulators_seconds_are_not_judged(phones: Phones, bundle: Bundle):
    phones.add("emulator-5554", properties=EMULATOR)
    for cell in cells(bundle):
        (latency,) = [check for check in cell.checks if check.name == "latency"]
        assert latency.outcome is Outcome.NOT_RUN
        assert "emulator-5554 is an emulator" in latency.reasons[0]
        assert latency.metrics == {"latency_ms_p50": 1.5}


WRONG = {
    "leaves-out": (Outcome.FAILED, "the device's report leaves it out"),
    "other-bytes": (Outcome.FAILED, "the device had other bytes of"),
    "newer": (Outcome.FAILED, "written by a newer edge-export"),
    "garbage": (Outcome.FAILED, "is no JSON"),
    "hangs": (Outcome.TIMED_OUT, "made no step for 5 s"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_a_device_gets_wrong_is_never_green(phones: Phones, bundle: Bundle, how: str):
    phones.add(how=how)
    outcome, words = WRONG[how]
    first = cells(bundle)[0]
    assert first.outcome is outcome
    assert any(words in reason for reason in first.reasons)


def test_no_device_is_not_run_with_what_to_do(phones: Phones, bundle: Bundle):
    (first, _) = cells(bundle)
    assert first.outcome is Outcome.NOT_RUN
    (reason,) = first.reasons
    assert "`adb devices` lists no Android device" in reason
    assert "connect a device, enable USB debugging" in reason


def test_the_runtimes_are_told_apart():
    ours, theirs = registry.runtime("litert-xnnpack"), registry.runtime("android")
    assert split([ours, theirs]) == ([ours], [theirs])


def test_a_file_or_other_gates_are_refused():
    specs: list[RuntimeSpec] = [registry.runtime("android")]
    with pytest.raises(UsageError, match=r"android checks whole bundles, and a\.tflite is none"):
        require_bundle(specs, "a.tflite", own_gates=False)
    with pytest.raises(UsageError, match="judges by the gates inside the bundle"):
        require_bundle(specs, "", own_gates=True)


def test_validate_merges_devices_into_its_report(phones: Phones, bundle: Bundle):
    phones.add("ONE")
    phones.add("TWO", state="offline")
    done = CliRunner().invoke(app, ["validate", str(bundle.folder), "--runtime", "android", "--json"])
    assert done.stdout, f"{done.stderr} {done.exception!r}"
    found = json.loads(done.stdout)["cells"]
    assert [(cell["runtime"], cell["outcome"]) for cell in found] == [
        *[("android[ONE,tflite]", "PASSED")] * 2,
        *[("android[TWO]", "NOT_RUN")] * 2,
    ]
    assert done.exit_code == 1


def test_ctrl_c_does_not_wait_for_a_device_that_hangs(phones: Phones, bundle: Bundle):
    folder = phones.add("SLOW", "hangs")
    phones.add("QUICK", state="offline")
    specs = registry.select("android[QUICK]") + registry.select("android[SLOW]")
    pending = self_checked(bundle, specs, 600)
    next(pending)
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pending.close()
    assert not (folder / "installed").exists()


def test_the_apps_own_classes_judge_on_a_phone(phones: Phones, app_program: Path, tmp_path: Path):
    """All of it but the phone: adb's protocol by the fake, the self-check by the classes that the app is made of."""
    java = f"{jvm.find_java()} -cp '{app_program}/*:{app_program}/lib/*' {jvm.MAIN}"
    script = f'{java} self-check "$0" --out "$1.new" --host "Pixel 8" && mv "$1.new" "$1"'
    folder = phones.add("REAL", app=["sh", "-c", f"echo 'I/edge-export( 1): step'; {script}"])
    bundle = open_bundle(app_bundle.write(tmp_path / "real"))
    (cell,) = self_checked(bundle, registry.select("android"), 120)
    assert (cell.runtime, cell.outcome) == ("android[REAL,tflite]", Outcome.PASSED), cell.reasons
    assert cell.metrics["parity.snr_db"] > 100
    left = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert not left


def test_a_bundle_in_an_archive_is_unpacked_for_the_devices(phones: Phones, tmp_path: Path):
    phones.add("ONE")
    archive = app_bundle.zipped(app_bundle.write(tmp_path / "real"), tmp_path / "b.zip")
    done = CliRunner().invoke(app, ["validate", str(archive), "--runtime", "android", "--json"])
    (cell,) = json.loads(done.stdout)["cells"]
    assert (cell["runtime"], cell["outcome"], done.exit_code) == ("android[ONE,tflite]", "PASSED", 0)
