"""Isolation, and tests that cannot run here: they say NOT_RUN and what would make them run, never a bare skip."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from converters.android import adb
from converters.devices import browser, cache

ROOT = Path(__file__).resolve().parent.parent
NOT_RUN = "NOT_RUN: "
MARKED_PACKAGES = {"torch": "torch", "tensorflow": "tensorflow"}

USER_CACHE = cache.root()
"""Where `make setup-devices` has put devices, before a test moves the home away."""

BROWSER = browser.find_browser()

# Worker processes and command lines started by tests see the sources and tests/tiny_models.py.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
)


def not_run(what_would_make_it_run: str, *, ci_installs_it: bool = True) -> NoReturn:
    """Ends a test as NOT_RUN; in CI, which installs what tests need, that is a failure."""
    if ci_installs_it and os.environ.get("CI") == "true":
        pytest.fail(f"{NOT_RUN}{what_would_make_it_run} (CI has to install it)", pytrace=False)
    pytest.skip(f"{NOT_RUN}{what_would_make_it_run}")


@pytest.fixture(name="not_run", scope="session")
def not_run_fixture() -> object:
    """The function `not_run`, for tests in any folder."""
    return not_run


@pytest.fixture
def user_cache(_isolation: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own cache: tests of installed devices take them from there."""
    monkeypatch.setenv(cache.VARIABLE, str(USER_CACHE))
    return USER_CACHE


@pytest.fixture(scope="session")
def needs_chromium() -> Path:
    """A Chromium that can be run headless."""
    if BROWSER is None:
        not_run(f"needs Chromium: {browser.INSTALL}")
    return BROWSER.executable


@pytest.fixture(scope="session")
def app_program() -> Path:
    """The folder of the demo app's program for the JVM, built from these sources."""
    import app_program

    if what := app_program.missing():
        not_run(what)
    return app_program.build()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked for a toolkit that is not installed are NOT_RUN."""
    for marker, package in MARKED_PACKAGES.items():
        if item.get_closest_marker(marker) and importlib.util.find_spec(package) is None:
            not_run(f"needs {package}: make setup")


@pytest.fixture(scope="session", autouse=True)
def _toolkit_caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Caches that toolkits would make anew for every test, under one folder for the session."""
    folder = tmp_path_factory.mktemp("caches")
    for variable in ("KERAS_HOME", "MPLCONFIGDIR", "TORCH_HOME", "HF_HOME"):
        os.environ[variable] = str(folder / variable.lower())


@pytest.fixture(autouse=True)
def _isolation(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a home and a working folder of its own, and none of the user's settings."""
    folder = tmp_path_factory.mktemp("alone")
    for name in ("home", "work"):
        (folder / name).mkdir()
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.chdir(folder / "work")
    for variable in [name for name in os.environ if name.startswith(("EDGE_EXPORT_", "XDG_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv(adb.VARIABLE, str(folder / "no-adb"))  # whatever phone is plugged in, and no server is started
    yield
    assert sys.path[0] != str(folder / "work"), "a test left its working folder on sys.path"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists what did not run, and what would make it run."""
    reasons: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons.setdefault(text.removeprefix("Skipped: "), []).append(report.nodeid)
    if not reasons:
        return
    terminalreporter.section("NOT_RUN: these tests proved nothing here", yellow=True, bold=True)
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"{len(tests):4d} x {reason}")
        for test in tests[:5]:
            terminalreporter.write_line(f"       {test}")
