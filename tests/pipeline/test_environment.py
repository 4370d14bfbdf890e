from __future__ import annotations

import importlib.metadata
import os

import psutil
import pytest

from pipeline import __version__, environment


def test_installed_packages_are_told_with_their_versions_and_others_left_out():
    facts = environment.environment(["numpy", "no-such-package", "numpy", "jinja2"])
    assert facts["numpy"] == importlib.metadata.version("numpy")
    assert "no-such-package" not in facts
    assert facts["edge-export"] == __version__


def test_host_facts_come_first_and_packages_in_alphabetical_order():
    keys = list(environment.environment(["scipy", "jinja2", "numpy"]))
    assert keys == [
        "edge-export", "python", "system", "processor", "cores", "memory", "jinja2", "numpy", "scipy",
    ]  # fmt: skip


def test_every_fact_says_something():
    facts = environment.environment([])
    assert all(value.strip() for value in facts.values()), facts
    assert facts["memory"].endswith(" GiB")
    assert float(facts["memory"].split()[0]) > 0


@pytest.mark.parametrize(("load", "said"), [(0.0, False), (0.4, False), (0.6, True), (30.0, True)])
def test_a_busy_machine_is_told_and_a_full_one_is_not(monkeypatch, load, said):
    cores = os.cpu_count() or 1
    monkeypatch.setattr(psutil, "getloadavg", lambda: (cores + load, 0.0, 0.0))
    note = environment.load_note()
    assert bool(note) is said
    if said:
        assert f"load {cores + load:.1f} on {cores} cores" in note
