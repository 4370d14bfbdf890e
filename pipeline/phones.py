"""Cells of runtimes that judge whole bundles by their own code: the demo app on each connected device, side by side."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from converters import registry
from converters.contract import Artifact, RuntimeSpec
from converters.device import split_name
from converters.errors import EdgeExportError, ModelError, UsageError
from pipeline.bundle.read import Bundle
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.checks.unmade import failed
from pipeline.report import json_report


def split(specs: Sequence[RuntimeSpec]) -> tuple[list[RuntimeSpec], list[RuntimeSpec]]:
    """(the runtimes that we judge, those that judge a bundle themselves)."""
    return [spec for spec in specs if not spec.self_check], [spec for spec in specs if spec.self_check]


def require_bundle(specs: Sequence[RuntimeSpec], what: str, *, own_gates: bool) -> None:
    """Nothing, where these runtimes can judge what the user gave.

    Raises:
        UsageError: it is no bundle, or the user gave gates of their own, of which a device knows nothing.
    """
    names = ", ".join(spec.name for spec in specs)
    if what:
        raise UsageError(f"{names} checks whole bundles, and {what} is none: name the bundle's folder")
    if own_gates:
        raise UsageError(f"{names} judges by the gates inside the bundle: leave --gates out")


def self_checked(bundle: Bundle, specs: Sequence[RuntimeSpec], step_s: float) -> Iterator[Cell]:
    """A device's cells when it and those named before it are done; all of them work at the same time.

    Args:
        bundle: what they judge.
        specs: runtimes with a device each.
        step_s: after so many seconds without progress a device's check is given up.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(len(specs), 1)) as pool:
        pending = [pool.submit(_cells, bundle, spec, step_s, stop) for spec in specs]
        try:
            for future in pending:
                yield from future.result()
        finally:
            stop.set()  # where nobody waits for the rest, their devices are cleaned up


def _cells(bundle: Bundle, spec: RuntimeSpec, step_s: float, stop: threading.Event) -> list[Cell]:
    device = spec.device
    try:
        registry.require_device(spec)
        module, _, function = spec.self_check.partition(":")
        check = getattr(importlib.import_module(module), function)
        answer = check(device.name if device else "", bundle.folder, step_s, stop, partial(_say, spec.name))
        return _told(bundle, spec, answer.document, emulated=answer.emulated)
    except EdgeExportError as error:
        return [_cell(artifact, spec, (failed("parity", error),)) for artifact in _its(bundle, spec)]


def _say(name: str, text: str) -> None:
    """Tells on standard error what takes long, under the name of the device."""
    sys.stderr.write(f"[{name}] {text}\n")


def _told(bundle: Bundle, spec: RuntimeSpec, document: Any, *, emulated: bool) -> list[Cell]:
    """The device's cells, under our name for it; what it left out or had other bytes of is FAILED.

    Raises:
        ModelError: it is no report, or contradicts itself.
    """
    report = json_report.from_json(document, spec.name)
    held = {row.file: row.sha256 for row in report.artifacts}
    found = []
    for artifact in bundle.artifacts:
        name = artifact.path.name
        cells = [cell for cell in report.cells if cell.artifact == name]
        if not cells and artifact.format in spec.formats:
            found.append(_cell(artifact, spec, (failed("parity", ModelError("the device's report leaves it out")),)))
        elif cells and held.get(name) != artifact.sha256:
            wrong = ModelError(f"the device had other bytes of {name}: sha256 {held.get(name)}")
            found.append(_cell(artifact, spec, (failed("parity", wrong),)))
        else:
            found += [_renamed(cell, spec, emulated=emulated) for cell in cells]
    return found


def _renamed(cell: Cell, spec: RuntimeSpec, *, emulated: bool) -> Cell:
    """A cell as the device gave it, by the serial that tells two phones of one model apart."""
    serial = spec.device.name if spec.device else ""
    inside = ",".join([serial, *split_name(cell.runtime)[1][1:]])
    checks = tuple(_without_time(check, serial) if emulated else check for check in cell.checks)
    return dataclasses.replace(cell, runtime=f"{split_name(spec.name)[0]}[{inside}]", checks=checks)


def _without_time(check: Check, serial: str) -> Check:
    if check.name != "latency" or check.outcome is Outcome.NOT_RUN:
        return check
    reason = f"{serial} is an emulator: its seconds say nothing of a phone, and are not judged"
    return dataclasses.replace(check, outcome=Outcome.NOT_RUN, reasons=(reason,), required=False)


def _its(bundle: Bundle, spec: RuntimeSpec) -> list[Artifact]:
    return [artifact for artifact in bundle.artifacts if artifact.format in spec.formats]


def _cell(artifact: Artifact, spec: RuntimeSpec, checks: tuple[Check, ...]) -> Cell:
    return Cell(
        model=artifact.model,
        framework=artifact.framework,
        route=artifact.route,
        precision=artifact.precision.value,
        runtime=spec.name,
        target=artifact.format.value,
        artifact=artifact.path.name,
        checks=checks,
    )
