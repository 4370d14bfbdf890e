"""Tests mirror sources, so that the test of any module is found where a reader looks for it."""

from __future__ import annotations

from architecture.sources import ROOT, modules

ELSEWHERE = {
    "converters.errors": "exit codes are pinned by tests/architecture/test_exit_codes.py",
}
"""Modules without a test file of their own, and why."""


def expected(name: str) -> str:
    """Where the tests of a module lie: pipeline.checks.parity -> tests/pipeline/checks/test_parity.py."""
    *folders, last = name.split(".")
    return "/".join(["tests", *folders, f"test_{last}.py"])


def test_every_module_has_its_test_file() -> None:
    declarations = {module.name for module in modules() if module.path.name == "__init__.py"}
    missing = [
        expected(module.name)
        for module in modules()
        if module.name not in declarations | set(ELSEWHERE) and not (ROOT / expected(module.name)).is_file()
    ]
    assert not missing, "tests mirror sources; write, or say in ELSEWHERE why not:\n" + "\n".join(missing)


def test_the_exceptions_are_still_needed() -> None:
    names = {module.name for module in modules()}
    stale = [name for name in ELSEWHERE if name not in names or (ROOT / expected(name)).is_file()]
    assert not stale, f"take {stale} out of ELSEWHERE: gone, or tested in its own file now"
