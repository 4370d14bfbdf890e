"""Every runtime, whether it can run here, and what would make it run. Imports no toolkit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from converters import registry
from converters.contract import RuntimeSpec
from pipeline.config import Target

CPU = "this machine's CPU"


@dataclass(frozen=True)
class DeviceRow:
    """One runtime: what it runs on, whether it is here (`missing` is empty), and the command that would bring it."""

    runtime: str
    family: str
    device: str
    formats: tuple[str, ...]
    group: str  # the word of --devices that asks for it; empty where every run proves it
    missing: str
    remedy: str
    emulated: bool
    version: str
    reference: bool

    @property
    def available(self) -> bool:
        """Whether it runs here."""
        return not self.missing


def device_rows(targets: Iterable[Target], only: str = "") -> tuple[DeviceRow, ...]:
    """Every runtime, each variant on each device, in the order in which toolkits declare them.

    Args:
        targets: those of the configuration; they say by which word a runtime is asked for.
        only: a family or group; empty for all.
    """
    groups = {name: group for target in targets for group, names in target.devices.items() for name in names}
    rows = [_row(spec, family, groups) for family in registry.runtimes() for spec in registry.expand(family)]
    return tuple(row for row in rows if only in ("", row.family, row.group))


def _row(spec: RuntimeSpec, family: RuntimeSpec, groups: dict[str, str]) -> DeviceRow:
    packages = registry.missing(spec.packages)
    device = spec.device
    missing, remedy = (device.missing, device.remedy) if device else ("", "")
    if packages and not missing:
        missing, remedy = f"{', '.join(packages)} is not installed", f"pip install {' '.join(packages)}"
    return DeviceRow(
        runtime=spec.name,
        family=family.name,
        device=(device.name or "none found") if device else CPU,
        formats=tuple(format.value for format in spec.formats),
        group=groups.get(spec.name, groups.get(family.name, "") if device else ""),
        missing=missing,
        remedy=remedy,
        emulated=bool(device and device.emulated),
        version=device.version if device else "",
        reference=spec.reference,
    )
