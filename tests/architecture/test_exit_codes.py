"""Every kind of failure has its exit code, and the documentation names the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from architecture.sources import ROOT

from converters import errors

DOCUMENTED_IN = ("README.md", "docs/exit_codes.md")
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130}


def tree(cls: type[errors.EdgeExportError] = errors.EdgeExportError) -> Iterator[type[errors.EdgeExportError]]:
    """Every exception of the project."""
    yield cls
    for child in cls.__subclasses__():
        yield from tree(child)


def test_the_codes_of_the_exceptions() -> None:
    assert {cls.exit_code for cls in tree() if cls.__module__ == errors.__name__} | {0, 1, 130} == CODES


@pytest.mark.parametrize("file", DOCUMENTED_IN)
def test_documentation_names_the_same_codes(file: str) -> None:
    rows = re.findall(r"^\| *(\d+) *\|", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {int(row) for row in rows} == CODES, f"the table of exit codes in {file} differs from converters/errors.py"


def test_the_drawing_shows_every_exception() -> None:
    drawing = errors.__doc__ or ""
    missing = [cls.__name__ for cls in tree() if cls.__module__ == errors.__name__ and cls.__name__ not in drawing]
    assert not missing, f"the tree at the top of converters/errors.py lacks {missing}"


def test_the_setup_uses_the_same_codes() -> None:
    text = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8")
    assert "USAGE, UNAVAILABLE, WORKSPACE, INTERRUPTED = 2, 7, 8, 130" in text
    assert (errors.UsageError.exit_code, errors.UnavailableError.exit_code) == (2, 7)
    assert errors.WorkspaceError.exit_code == 8
