"""The oldest systems that open a Core ML model, by its specification version (coremltools' `target`)."""

from __future__ import annotations

from converters.inspection import Needs

_SYSTEMS = {4: ("13", "10.15"), 5: ("14", "11"), 6: ("15", "12"), 7: ("16", "13"), 8: ("17", "14"), 9: ("18", "15")}
_SYSTEMS |= {10: ("26", "26")}


def needs(specification: int) -> Needs:
    """The version of iOS; of macOS in the reason."""
    if specification not in _SYSTEMS:
        return Needs("iOS", "")
    phone, desktop = _SYSTEMS[specification]
    return Needs("iOS", phone, f"specification version {specification}, macOS {desktop}")
