"""The report as JSON, both ways. `docs/report_schema.md` and `schema.json` describe the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.errors import ContractError, ModelError
from pipeline.checks.outcome import Outcome
from pipeline.report.decode import decode, encode
from pipeline.report.document import SCHEMA_VERSION, Report, cell_to_json

SCHEMA_FILE = Path(__file__).with_name("schema.json")
DERIVED = ("outcome", "counts")
CELL_DERIVED = ("id", "outcome", "reasons", "metrics")
"""What the document repeats for its readers; recomputed, and compared, when it is read."""


def to_json(report: Report) -> dict[str, Any]:
    """The report as a JSON-able dict that `schema.json` describes; NaN and infinities are texts."""
    body = encode(report)
    body["cells"] = [encode(cell_to_json(cell)) for cell in report.cells]
    return {"schema_version": SCHEMA_VERSION, "outcome": report.outcome.value, "counts": report.counts, **body}


def from_json(data: Any, where: str = "report") -> Report:
    """The report that `to_json` wrote; every sequence comes back as a tuple.

    Raises:
        ModelError: another version, an unknown or missing key, a wrong type, or a stated outcome that the
            checks do not bear out.
    """
    if not isinstance(data, dict):
        raise ModelError(f"{where}: expected an object, found {type(data).__name__}")
    body = dict(data)
    version = body.pop("schema_version", None)
    check_version(version, where)
    if version < 2 and isinstance(data.get("counts"), dict):  # which knew fewer outcomes
        data = {**data, "counts": {**dict.fromkeys(Outcome, 0), **data["counts"]}}
    try:
        stated_cells = body.get("cells", [])
        if isinstance(stated_cells, list):
            body["cells"] = [_without(cell, CELL_DERIVED) for cell in stated_cells]
        report: Report = decode(Report, _without(body, DERIVED), where)
    except ContractError as error:
        raise ModelError(f"{where}: {error}") from error
    _compare(encode({"outcome": report.outcome, "counts": report.counts}), data, DERIVED, where)
    for index, cell in enumerate(report.cells):
        _compare(encode(cell_to_json(cell)), data["cells"][index], CELL_DERIVED, f"{where}.cells[{index}]")
    return report


def check_version(version: Any, where: str, known: int = SCHEMA_VERSION) -> None:
    """Nothing, when this program reads documents of that `schema_version`.

    Raises:
        ModelError: there is none, it is no integer, or another version is needed.
    """
    if type(version) is not int or version < 1:
        raise ModelError(f"{where}: no schema_version; this is not one of our documents")
    if version > known:
        raise ModelError(
            f"{where}: schema_version {version} was written by a newer edge-export; "
            f"this one reads up to {known}: upgrade it"
        )


def dumps(data: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Strict JSON text, in which lone surrogates are escaped.

    A report keeps its order, which readers see: metrics as the check lists them, stages as they ran.
    """
    text = json.dumps(encode(data), indent=1, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def render(report: Report) -> str:
    """The report as JSON text."""
    return dumps(to_json(report))


def write(report: Report, path: Path) -> Path:
    """Writes the report to `path`."""
    path.write_text(render(report), encoding="utf-8")
    return path


def load(path: Path, what: str) -> Any:
    """The parsed JSON of a file.

    Raises:
        ModelError: no such file, or it holds no JSON.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{what} {path} does not exist") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(f"{what} {path} is damaged: {error}; make it again") from error


def read(path: Path) -> Report:
    """The report that `write` left at `path`.

    Raises:
        ModelError: the file is missing, damaged, or of a newer version.
    """
    return from_json(load(path, "report"), str(path))


def _without(row: Any, keys: tuple[str, ...]) -> Any:
    return {key: value for key, value in row.items() if key not in keys} if isinstance(row, dict) else row


def _compare(computed: Mapping[str, Any], stated: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if key not in stated:
            raise ModelError(f"{where}: {key!r} is missing")
        if stated[key] != computed[key]:
            raise ModelError(f"{where}: {key} is {stated[key]!r}, but the checks give {computed[key]!r}; it was edited")
