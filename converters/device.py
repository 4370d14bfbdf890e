"""What a runtime runs on, and how a process that reaches it is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Launch:
    """How a worker's process is started: an interpreter's command (empty: this one's) and its environment."""

    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Device:
    """What runs models beside this machine's CPU under this interpreter: a GPU, an emulated ARM64, a browser.

    `missing` says why nothing runs on it here (empty: it does), `remedy` the command that would change that.
    `emulated` devices compute as the real one does, and their seconds say nothing of it.
    `version` names what its results depend on: a driver, an emulator, a browser.
    """

    name: str
    missing: str = ""
    remedy: str = ""
    emulated: bool = False
    version: str = ""
    launch: Launch = field(default_factory=Launch)


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """(`litert-gpu`, (`SwiftShader`, `fp32`)) of `litert-gpu[SwiftShader,fp32]`."""
    family, _, rest = name.partition("[")
    return family, tuple(filter(None, rest.removesuffix("]").split(",")))


def threads_of(name: str, default: int) -> int:
    """How many threads a runtime's name asks for: 4 for `litert-xnnpack[4t]`, else the default."""
    counts = [int(option[:-1]) for option in split_name(name)[1] if option[:-1].isdigit() and option[-1] == "t"]
    return counts[0] if counts else default
