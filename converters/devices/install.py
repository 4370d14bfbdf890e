"""What `edge-export devices install` installs: one installer a kind of device, in a module of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

Say = Callable[[str], None]


def _call(target: str, say: Say) -> None:
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(say)


INSTALLERS: dict[str, Callable[[Say], None]] = {
    "gpu": partial(_call, "converters.devices.gpu_install:install"),
    "arm64": partial(_call, "converters.devices.arm64_install:install"),
    "browser": partial(_call, "converters.devices.browser_install:install"),
}
"""By what is installed: called with a `Say` for its progress, at once done where all is there and whole.

An installer raises UnavailableError, with the reason, where this machine cannot have the device, and DiskFullError.
"""
