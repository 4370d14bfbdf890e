"""The project's modules, read and never imported."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("converters", "pipeline")


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return len(self.text.splitlines())


@dataclass(frozen=True)
class Import:
    """`importer` imports `imported` at `line`; `lazy` inside a function, `typing` only for type checkers."""

    importer: str
    imported: str
    line: int
    lazy: bool


def parse(path: Path, root: Path = ROOT) -> Module:
    """One source file."""
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text, filename=str(path)))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the project's packages."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(files) > 10, f"hardly any source was found under {ROOT}: this test would prove nothing"
    return tuple(parse(path) for path in files)


def imports(module: Module) -> tuple[Import, ...]:
    """Everything that a module imports, those for type checkers left out; `from a import b` counts as `a.b`."""
    found: list[Import] = []
    _visit(module, module.tree, False, found)
    return tuple(found)


def _visit(module: Module, node: ast.AST, lazy: bool, found: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            found += [Import(module.name, alias.name, child.lineno, lazy) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            base = _base(module, child)
            found += [Import(module.name, f"{base}.{alias.name}", child.lineno, lazy) for alias in child.names]
        _visit(module, child, lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda), found)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.path.name == "__init__.py" else module.name.split(".")[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *filter(None, [node.module])])


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that belongs to the project: known to git, or not ignored by it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    files = tuple(path for line in done.stdout.splitlines() if (path := ROOT / line).is_file())
    assert len(files) > 20, f"git lists hardly any file under {ROOT}: this test would prove nothing"
    return files


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text, with its content."""
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            yield path, data.decode("utf-8", errors="replace")
