"""The doctor finds what is there, and each of its findings can be bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import doctor
from pipeline.doctor import Health

REQUIREMENTS = ("numpy>=2.0", "torch==2.13.0; extra == 'torch'", "ai-edge-litert==2.3.0 ; extra == 'litert'")


def lookup(**versions: str) -> doctor.Lookup:
    return lambda name: versions.get(name.replace("-", "_"), "")


def test_every_finding_has_a_name_of_its_own_and_bad_ones_advice(tmp_path: Path) -> None:
    rows = doctor.checks(tmp_path)
    assert len({row.name for row in rows}) == len(rows)
    assert {"python", "triton", "cores", "memory", "disk", "workspace", "litert-gpu", "litert-arm64", "litert-web"} <= {
        row.name for row in rows
    }
    assert all(row.advice for row in rows if row.health is not Health.OK)


@pytest.mark.parametrize(
    ("version", "health"),
    [((3, 10), Health.PROBLEM), ((3, 11), Health.OK), ((3, 13), Health.OK), ((3, 14), Health.WARNING)],
)
def test_python(version: tuple[int, int], health: Health) -> None:
    assert doctor.python_row(version).health is health


def test_pinned_reads_exact_versions_only() -> None:
    assert doctor.pinned(REQUIREMENTS) == {"torch": "2.13.0", "ai-edge-litert": "2.3.0"}


def test_toolkits_against_the_versions_known_to_work() -> None:
    torch, litert = doctor.toolkit_rows(REQUIREMENTS, lookup(torch="2.13.0+cpu"))
    assert (torch.health, torch.found) == (Health.OK, "2.13.0+cpu")
    assert litert.health is Health.MISSING
    assert "ai-edge-litert==2.3.0" in litert.advice
    (other, _) = doctor.toolkit_rows(REQUIREMENTS, lookup(torch="2.14.0"))
    assert (other.health, other.found) == (Health.WARNING, "2.14.0")
    assert "known to work: 2.13.0" in other.advice


def test_an_uninstalled_project_knows_no_versions() -> None:
    (row,) = doctor.toolkit_rows((), lookup())
    assert row.health is Health.WARNING


@pytest.mark.parametrize(
    ("versions", "health"),
    [({}, Health.OK), ({"triton": "3.9"}, Health.OK), ({"triton": "3.9", "tensorflow_cpu": "2.21.0"}, Health.PROBLEM)],
)
def test_triton_is_a_problem_beside_tensorflow(versions: dict[str, str], health: Health) -> None:
    assert doctor.triton_row(lookup(**versions)).health is health


def test_little_memory_and_disk_are_told(tmp_path: Path) -> None:
    assert doctor.memory_row(1.0).health is Health.WARNING
    assert doctor.memory_row(16.0).health is Health.OK
    assert doctor.disk_row(tmp_path, 0.5).health is Health.WARNING
    assert doctor.disk_row(tmp_path / "not" / "yet").found.endswith("not/yet")


def test_a_workspace_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    row = doctor.writable_row(file)
    assert row.health is Health.PROBLEM
    assert str(file) in row.found
    assert doctor.writable_row(tmp_path / "new").health is Health.OK
