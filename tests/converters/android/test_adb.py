from __future__ import annotations

from pathlib import Path

import pytest
from phones import EMULATOR, phones  # noqa: F401 - a fixture

from converters import registry
from converters.android import adb
from converters.android.adb import Adb, DeviceGone, Row
from converters.errors import ToolkitError, ToolkitTimeout, UnavailableError

LISTED = """* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
ZX1G22 device usb:1-1 product:shiba model:Pixel_8 device:shiba transport_id:1
emulator-5554          offline
192.168.1.7:5555 unauthorized transport_id:3
R58M  no permissions (user in plugdev group; are your udev rules wrong?); see [about:udev] usb:1-4

"""


def test_every_line_of_adb_devices_is_a_row():
    assert adb.rows(LISTED) == (
        Row(
            "ZX1G22",
            "device",
            {"usb": "1-1", "product": "shiba", "model": "Pixel_8", "device": "shiba", "transport_id": "1"},
        ),
        Row("emulator-5554", "offline"),
        Row("192.168.1.7:5555", "unauthorized", {"transport_id": "3"}),
        Row("R58M", "no permissions", {"about": "udev]", "usb": "1-4"}),
    )


def test_a_phone_is_a_device_with_its_model(phones):  # noqa: F811
    phones.add("ZX1G22")
    (found,) = adb.devices()
    assert (found.name, found.missing, found.emulated, found.version) == ("ZX1G22", "", False, "Pixel 8, Android 14")


@pytest.mark.parametrize("serial", ["emulator-5554", "127.0.0.1:6555"])
def test_an_emulator_is_named_as_such(phones, serial: str):  # noqa: F811
    phones.add(serial, properties=EMULATOR)
    assert adb.devices()[0].emulated


def test_without_a_device_it_is_said_what_to_do_and_what_adb_said(phones):  # noqa: F811
    (found,) = adb.devices()
    assert found.missing == "`adb devices` lists no Android device"
    assert found.remedy.startswith("connect a device, enable USB debugging")


SENTENCES = {
    "unauthorized": ("`adb devices` says that X is unauthorized", "accept `Allow USB debugging?`"),
    "offline": ("`adb devices` says that X is offline", "replug the cable, or: adb reconnect offline"),
    "no permissions": ("`adb devices` says that X gives this user no permissions", "apt-get install"),
    "recovery": ("`adb devices` says that X is recovery", "restart it"),
    "host": ("`adb devices` says that X is host", "enable USB debugging"),
}


@pytest.mark.parametrize("state", SENTENCES)
def test_every_state_has_its_own_sentence(phones, state: str):  # noqa: F811
    phones.add("X", state=state)
    (found,) = adb.devices()
    missing, remedy = SENTENCES[state]
    assert found.missing == missing
    assert remedy in found.remedy


def test_a_device_that_does_not_answer_is_missing_and_the_others_are_not(phones):  # noqa: F811
    phones.add("ONE", properties={})
    phones.add("TWO", state="offline")
    assert [(found.name, bool(found.missing)) for found in adb.devices()] == [("ONE", False), ("TWO", True)]


def test_a_machine_without_adb_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(adb.VARIABLE, str(tmp_path / "nothing"))
    assert "names" in adb.devices()[0].missing
    monkeypatch.delenv(adb.VARIABLE)
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = adb.devices()
    assert (found.missing, found.remedy) == ("adb is not installed", "make setup-android")
    with pytest.raises(UnavailableError, match="adb is not installed; to have it: make setup-android"):
        Adb("X").ask("shell", "true")


def test_an_sdk_will_do_where_adb_is_not_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "platform-tools" / "adb"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv(adb.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    assert adb.program() == str(program)


@pytest.mark.parametrize(("body", "words"), [("exit 1", "failed"), ("sleep 9", "did not answer")])
def test_an_adb_that_fails_or_hangs_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, words: str
):
    (tmp_path / "adb").write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "adb").chmod(0o755)
    monkeypatch.setenv(adb.VARIABLE, str(tmp_path / "adb"))
    monkeypatch.setattr(adb, "_LIST_S", 0.3)
    assert words in adb.devices()[0].missing


def test_a_command_arrives_as_it_is_and_fails_in_its_own_words(phones):  # noqa: F811
    phones.add()
    assert Adb("PIXEL").shell("echo", "a  b", "$HOME", "'") == "a  b $HOME '\n"
    with pytest.raises(ToolkitError, match="`adb shell` on PIXEL failed: .*nowhere"):
        Adb("PIXEL").shell("ls", "nowhere")
    with pytest.raises(ToolkitTimeout, match="`adb shell` on PIXEL took more than"):
        Adb("PIXEL").shell("sleep", "9", limit_s=0.5)


def test_a_device_that_went_away_is_told_from_a_command_that_failed(phones):  # noqa: F811
    folder = phones.add()
    Adb("PIXEL").shell("true")
    (folder / "gone").touch()
    with pytest.raises(DeviceGone, match="PIXEL does not answer any more .*not found"):
        Adb("PIXEL").shell("true")


def test_one_runtime_a_device(phones):  # noqa: F811
    phones.add("A")
    phones.add("B", state="offline")
    names = [(spec.name, bool(spec.device.missing)) for spec in registry.select("android")]
    assert names == [("android[A]", False), ("android[B]", True)]
