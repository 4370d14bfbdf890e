"""Core ML is on a Mac, and nowhere else."""

from __future__ import annotations

import dataclasses
import platform
import sys

import pytest

from converters import registry
from converters.devices import coreml
from converters.errors import UnavailableError


def test_elsewhere_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    (absent,) = coreml.devices()
    assert (absent.name, absent.missing) == ("", "needs macOS, and this is Linux")
    assert "run it on a Mac with macOS 14 or newer" in absent.remedy


def test_a_mac_has_three_and_an_old_one_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    assert [device.name for device in coreml.devices()] == ["cpu", "gpu", "ane"]
    monkeypatch.setattr(platform, "mac_ver", lambda: ("13.6", ("", "", ""), "arm64"))
    assert coreml.devices()[0].missing == "needs macOS 14, and this is macOS 13.6"


def test_a_session_elsewhere_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    spec = dataclasses.replace(registry.runtime("coreml"), device=coreml.devices()[0])
    with pytest.raises(UnavailableError, match="coreml cannot run here: needs macOS"):
        registry.require_device(spec)
