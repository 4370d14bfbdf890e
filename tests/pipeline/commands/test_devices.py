from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from converters.device import Device
from converters.errors import UsageError
from pipeline.cli import app
from pipeline.devices import CPU, DeviceRow
from pipeline.doctor import Health, device_health


def cli(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_devices_say_every_runtime_of_this_machine():
    rows = json.loads(cli("devices", "--json").stdout)["runtimes"]
    by_name = {row["runtime"]: row for row in rows}
    assert by_name["litert-xnnpack[4t]"]["group"] == "threads"
    assert by_name["onnxruntime"]["device"] == CPU
    assert all(row["available"] or (row["missing"] and row["remedy"]) for row in rows)
    said = cli("devices").stdout
    assert all(name in said for name in by_name)


def test_a_group_can_be_asked_for_alone_and_an_unknown_one_is_told_what_there_is():
    threads = [line.split()[1] for line in cli("devices", "--only", "threads").stdout.splitlines()]
    assert {"litert-xnnpack[4t]", "onnxruntime[4t]"} <= set(threads)
    assert all(name.endswith("[4t]") for name in threads)
    assert isinstance((end := cli("devices", "--only", "npu")).exception, UsageError)
    assert "there are litert-xnnpack, threads" in str(end.exception)


def test_an_unknown_thing_to_install_is_told_what_there_is():
    end = cli("devices", "install", "tpu")
    assert isinstance(end.exception, UsageError)
    assert "nothing is called 'tpu'; there are gpu, arm64, browser" in str(end.exception)


@pytest.mark.parametrize(
    ("devices", "health"),
    [((Device("A"), Device("B")), Health.OK), ((Device("", missing="none", remedy="make it"),), Health.MISSING)],
)
def test_the_doctor_has_one_finding_for_each_family(devices, health):
    rows = [
        DeviceRow("f", "f", d.name or "none", ("tflite",), "gpu", d.missing, d.remedy, d.emulated, "", False)
        for d in devices
    ]
    (found,) = device_health(rows)
    assert found.health is health
    assert found.advice == devices[0].remedy
