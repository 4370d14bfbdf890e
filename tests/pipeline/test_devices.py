from __future__ import annotations

import pytest

from converters import registry
from converters.contract import Format, RuntimeSpec
from converters.device import Device
from pipeline.config import Target
from pipeline.devices import CPU, device_rows

TARGETS = (Target("t", "onnx", ("plain",), {"gpu": ("paint",), "threads": ("plain[4t]",)}),)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    """The devices that the family `paint` finds; a test fills it."""
    found: list[Device] = []
    plain = RuntimeSpec("plain", "m", (Format.ONNX,), "w", ("numpy",), variants=("", "4t"))
    paint = RuntimeSpec("paint", "m", (Format.ONNX,), "easel", ("no-such-package",), devices="painters:devices")
    monkeypatch.setattr(registry, "runtimes", lambda: (plain, paint))
    monkeypatch.setattr(registry, "devices", lambda function: tuple(found))
    return found


def test_every_variant_on_every_device_has_its_row(declared: list[Device]) -> None:
    declared += [Device("One", version="7", emulated=True), Device("Two")]
    rows = device_rows(TARGETS)
    assert [(row.runtime, row.device, row.group) for row in rows] == [
        ("plain", CPU, ""),
        ("plain[4t]", CPU, "threads"),
        ("paint[One]", "One", "gpu"),
        ("paint[Two]", "Two", "gpu"),
    ]
    assert rows[0].available
    assert rows[2].emulated
    assert rows[2].version == "7"


def test_a_missing_device_or_package_says_what_would_bring_it(declared: list[Device]) -> None:
    declared.append(Device("", missing="no driver", remedy="make setup-gpu"))
    assert [(row.missing, row.remedy) for row in device_rows(TARGETS, "gpu")] == [("no driver", "make setup-gpu")]
    declared[:] = [Device("One")]
    (row,) = device_rows(TARGETS, "paint")
    assert (row.missing, row.remedy) == ("no-such-package is not installed", "pip install no-such-package")
    assert not row.available
