from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline import resources
from pipeline.resources import resource


@pytest.mark.parametrize("name", ["configs/gates.toml", "configs/targets.toml", "configs/recipes/int8.toml", "data"])
def test_what_the_project_brings_is_found_from_any_working_folder(name):
    assert resource(name).is_absolute()
    assert resource(name).exists()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the installed package, alone in a folder."""
    (tmp_path / "site" / "pipeline").mkdir(parents=True)
    monkeypatch.setattr(resources, "pipeline", SimpleNamespace(__file__=str(tmp_path / "site/pipeline/__init__.py")))
    return tmp_path / "site" / "pipeline"


def test_an_installed_wheel_reads_its_own_copy_not_a_neighbours(package):
    for place in (package / "resources" / "configs", package.parent / "configs"):
        place.mkdir(parents=True)
        (place / "gates.toml").write_text("")
    assert resource("configs/gates.toml") == package / "resources" / "configs" / "gates.toml"


def test_a_checkout_reads_the_repository(package):
    assert resource("configs/gates.toml") == package.parent / "configs" / "gates.toml"
