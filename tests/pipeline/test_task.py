from __future__ import annotations

import dataclasses
import importlib.metadata

import psutil
import pytest

from pipeline import config, task
from pipeline.task import Task, code, versions, worker_limits


def make(name="a", stage="s", ingredients=None, needs=(), work=lambda context: None):
    return Task(name, stage, ingredients or {"x": "1"}, work, {need.name: need for need in needs})


def test_the_key_is_of_what_the_result_depends_on():
    assert make().key == make().key
    assert make(ingredients={"x": "1", "y": "2"}).key == make(ingredients={"y": "2", "x": "1"}).key
    assert make().key != make(ingredients={"x": "2"}).key
    assert make().key != make(stage="t").key
    assert make().key != make(needs=[make("b")]).key


def test_a_name_and_a_lane_are_no_ingredients():
    assert make("a").key == make("b").key
    assert dataclasses.replace(make(), lane="torch", exclusive=True).key == make().key


def test_what_changes_places_has_another_key():
    a, b = make("a", ingredients={"x": "1"}), make("b", ingredients={"x": "2"})
    one, other = (Task("race", "s", {}, lambda context: None, {"first": f, "last": g}) for f, g in ((a, b), (b, a)))
    assert one.key != other.key


def test_a_change_deep_below_reaches_every_key_above():
    def top(ingredient):
        return make("top", needs=[make("middle", needs=[make("bottom", ingredients={"x": ingredient})])])

    assert top("1").key != top("2").key
    assert list(top("1").all_ingredients) == ["x", "result of middle as middle"]


def test_code_changes_with_a_byte_or_a_name_of_its_files_and_with_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(task, "ROOT", tmp_path)
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "a.py").write_text("one")
    (tmp_path / "top.py").write_text("one")
    fresh = code.__wrapped__
    first, pattern = fresh("kit"), fresh("*.py")
    (tmp_path / "kit" / "notes.md").write_text("one")
    assert fresh("kit") == first
    (tmp_path / "kit" / "a.py").write_text("two")
    second = fresh("kit")
    (tmp_path / "kit" / "a.py").rename(tmp_path / "kit" / "b.py")
    assert len({first, second, fresh("kit")}) == 3
    assert fresh("*.py") == pattern


@pytest.mark.parametrize(
    "places",
    [
        ("pipeline/datasets",),
        ("pipeline/models",),
        ("pipeline/checks", "pipeline/stages/judge.py"),
        ("pipeline/report", "pipeline/bundle", "pipeline/stages/report.py"),
        ("pipeline/golden*.py", "converters/eager", "converters/*.py"),
        ("converters/litert",),
    ],
)
def test_every_place_that_an_ingredient_names_holds_code(places):
    empty = code("no/such/place")
    assert all(code(place) != empty for place in places)


def test_versions_name_what_is_missing_so_that_installing_it_changes_a_key():
    numpy = importlib.metadata.version("numpy")
    assert versions(("numpy", "no-such-package")) == f"numpy {numpy}, no-such-package missing"


def test_a_worker_gets_its_share_of_the_memory_in_bytes():
    limits = dataclasses.replace(config.load().limits, memory_fraction=0.25)
    assert worker_limits(limits) == pytest.approx(psutil.virtual_memory().total / 4, abs=1)
