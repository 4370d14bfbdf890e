"""What a repair leaves behind: the file, the recipe that makes it again, the front as JSON and as a page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.contract import Precision
from converters.errors import WorkspaceError
from pipeline.config import Recipe
from pipeline.recipes import to_toml
from pipeline.repair.candidates import Bench
from pipeline.repair.front import Row
from pipeline.repair.page import page
from pipeline.repair.repair import Repair

RECIPE, DOCUMENT, PAGE = "recipe.toml", "repair.json", "repair.html"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Delivered:
    """Where the file and its recipe lie, and what is told of them as a JSON-able document."""

    artifact: Path
    recipe: Path
    document: dict[str, Any]


def require_writable(folder: Path) -> None:
    """Makes the folder of the results, before any work.

    Raises:
        WorkspaceError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".edge-export-writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise WorkspaceError(f"--out {folder} cannot be written: {error.strerror}; name another folder") from None


def recipe_of(bench: Bench, found: Repair) -> str:
    """The recipe of the best file, as `edge-export run --recipe` and `edge-export repair --recipe` read it."""
    options = {key: value for key, value in found.best.options.items() if value not in (False, "minmax", [])}
    name = bench.problem.source.path.stem
    title = f"Static int8 of {name}, repaired: {len(found.kept)} of {len(found.layers)} layers in float"
    if not found.kept:
        title = f"Static int8 of {name}, repaired without a layer in float"
    known = {bench.problem.edge.name: options} if options else {}
    return to_toml(Recipe(title, Precision.INT8.value, bench.problem.calibration_samples, known))


def verdict(bench: Bench, found: Repair) -> str:
    """One sentence for a person."""
    wanted = f"a drop of at most {bench.gate.max_drop_points:g} points"
    if bench.targets is None:
        wanted = "the parity gate of int8 against the float file (no labels)"
    best = found.best
    loss = (
        f"{best.snr_db:.1f} dB from float" if best.drop_points is None else f"a drop of {best.drop_points:.2f} points"
    )
    share = f"{len(found.kept)} of {len(found.layers)} layers in float" if found.layers else "no layer in float"
    if found.kept and not found.layers:
        share = f"{len(found.kept)} operators in float"
    if not found.passed:
        return f"not repaired: {wanted} was asked; the best that was found has {loss} with {share}"
    if best is found.plain and not best.options:
        return f"nothing to do: int8 as it stands keeps {wanted} ({loss})"
    told = "repaired" if best.check.outcome.value == "PASSED" else "repaired by the best estimate"
    return f"{told}: {loss} with {share}; {wanted} was asked"


def deliver(folder: Path, bench: Bench, found: Repair, table: Sequence[Row], notes: Sequence[str]) -> Delivered:
    """Writes everything into `folder`.

    Raises:
        WorkspaceError: it cannot be written.
    """
    source = bench.problem.source
    target = folder / f"{source.path.stem}_int8-repaired{source.path.suffix}"
    recipe = recipe_of(bench, found)
    document = told(bench, found, table, notes) | {"artifact": target.name, "recipe": RECIPE}
    title = f"Repair of {source.path.name}"
    try:
        shutil.copyfile(found.best.artifact.path, target)
        (folder / RECIPE).write_text(recipe, encoding="utf-8")
        (folder / DOCUMENT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        (folder / PAGE).write_text(page(title, document["verdict"], table, notes, recipe), encoding="utf-8")
    except OSError as error:
        raise WorkspaceError(f"--out {folder} cannot be written: {error.strerror}; name another folder") from None
    return Delivered(target, folder / RECIPE, document)


def told(bench: Bench, found: Repair, table: Sequence[Row], notes: Sequence[str]) -> dict[str, Any]:
    """The repair as a JSON-able document."""
    check = found.best.check
    return {
        "schema_version": SCHEMA_VERSION,
        "source": str(bench.problem.source.path),
        "verdict": verdict(bench, found),
        "passed": found.passed,
        "outcome": check.outcome.value,
        "reasons": list(check.reasons),
        "target_drop_points": bench.gate.max_drop_points if bench.targets is not None else None,
        "labelled": bench.targets is not None,
        "samples": bench.count,
        "evaluations": len(bench.files),
        "layers": [
            {"name": layer.name, "type": layer.type, "noise": layer.noise, "damage": layer.damage}
            for layer in found.layers
        ],
        "kept": list(found.kept),
        "kept_share": len(found.kept) / len(found.layers) if found.layers else 0.0,
        "options": dict(found.best.options),
        "sha256": found.best.artifact.sha256,
        "front": [row.to_json() for row in table],
        "notes": list(notes),
    }
