from __future__ import annotations

import importlib

from converters.devices.install import INSTALLERS


def test_every_installer_is_a_function_that_exists():
    assert list(INSTALLERS)
    for name, installer in INSTALLERS.items():
        module, _, function = installer.args[0].partition(":")
        assert callable(getattr(importlib.import_module(module), function)), name
