"""The core starts, and answers, on a machine that has no toolkit at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from architecture.sources import Module, imports, modules
from architecture.test_imports import TOOLKITS

BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted(TOOLKITS)!r}:
            raise ModuleNotFoundError(f"the core imported the toolkit {{name}}")

sys.meta_path.insert(0, Blocker())
"""


def reachable(start: str) -> dict[str, str]:
    """Every module of ours that `import start` loads, and who loads it; lazy imports left out."""
    known: dict[str, Module] = {module.name: module for module in modules()}
    assert start in known, f"{start} does not exist"
    seen, todo = {start: ""}, [start]
    while todo:
        name = todo.pop()
        for item in imports(known[name]):
            parts = item.imported.split(".")
            for length in range(1, len(parts) + 1):
                loaded = ".".join(parts[:length])
                if not item.lazy and loaded in known and loaded not in seen:
                    seen[loaded] = name
                    todo.append(loaded)
    return seen


def test_nothing_that_the_cli_loads_imports_a_toolkit() -> None:
    loaded = reachable("pipeline.cli")
    wrong = [
        f"{module.name}:{item.line} imports {item.imported} (loaded by {loaded[module.name] or 'the command line'})"
        for module in modules()
        if module.name in loaded
        for item in imports(module)
        if not item.lazy and item.imported.split(".")[0] in TOOLKITS
    ]
    assert not wrong, "`edge-export --help` must not wait for a toolkit: import it inside a function\n" + "\n".join(
        wrong
    )


def run_blocked(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs code in a new process in which importing any toolkit raises."""
    command = [sys.executable, "-c", BLOCKER + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_blocker_blocks(tmp_path: Path) -> None:
    done = run_blocked("import torch", tmp_path)
    assert done.returncode == 1
    assert "the core imported the toolkit torch" in done.stderr


def test_the_cli_imports_with_every_toolkit_blocked(tmp_path: Path) -> None:
    done = run_blocked("import pipeline.cli", tmp_path)
    assert done.returncode == 0, done.stderr


def test_every_declaration_loads_with_every_toolkit_blocked(tmp_path: Path) -> None:
    code = "from converters import registry; assert registry.edges() and registry.runtimes()"
    done = run_blocked(code, tmp_path)
    assert done.returncode == 0, f"converters/<toolkit>/__init__.py only declares, but\n{done.stderr}"


def test_help_answers_with_every_toolkit_blocked(tmp_path: Path) -> None:
    done = run_blocked(
        "import sys; sys.argv = ['edge-export', '--help']\nfrom pipeline.cli import main; main()", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout
