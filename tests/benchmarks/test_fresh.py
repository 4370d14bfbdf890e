from __future__ import annotations

import subprocess

import pytest

from benchmarks import fresh
from benchmarks.workshop import Workshop
from pipeline.checks.outcome import Outcome

MAKEFILE = "setup:\n\t@{setup}\nexport:\n\t@test -n '$(TARGET)' && {export}\n"


@pytest.fixture
def project(tmp_path):
    """A function that makes a git repository whose Makefile does as told."""

    def make(setup, export):
        root = tmp_path / "project"
        root.mkdir()
        (root / "Makefile").write_text(MAKEFILE.format(setup=setup, export=export))
        git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
        for command in (["init", "-q"], ["add", "Makefile"], ["commit", "-q", "-m", "first"]):
            subprocess.run([*git, *command], check=True)
        return root

    return make


def test_both_commands_are_timed_in_a_clone_that_is_removed(project, tmp_path):
    workshop = Workshop(tmp_path / "work", tmp_path / "workspace")
    (tmp_path / "work").mkdir()
    figures = list(fresh.figures(workshop, project("touch made", "test -f made")))
    assert [figure.outcome for figure in figures] == [Outcome.PASSED, Outcome.PASSED]
    assert all(0 < figure.value < 20 for figure in figures)
    assert not (tmp_path / "work" / "clone").exists()


def test_a_setup_that_fails_is_a_missed_goal_and_ends_it(project, tmp_path):
    workshop = Workshop(tmp_path / "work", tmp_path / "workspace")
    (tmp_path / "work").mkdir()
    (figure,) = fresh.figures(workshop, project("false", "true"))
    assert figure.outcome is Outcome.FAILED
    assert "exit code 2" in figure.detail
