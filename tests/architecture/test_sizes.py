"""Modules and functions that a reader can hold in mind."""

from __future__ import annotations

import ast

from architecture.sources import functions, modules, parse, tracked_files

LARGEST_MODULE = 300
LARGEST_FUNCTION = 60
VAGUE = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"}


def test_modules_are_small() -> None:
    python = [parse(path) for path in tracked_files() if path.suffix == ".py"]
    large = [
        f"{module.path.name} in {module.name}: {module.lines}" for module in python if module.lines > LARGEST_MODULE
    ]
    assert not large, f"a module has at most {LARGEST_MODULE} lines: split by what it knows, but\n" + "\n".join(large)


def test_functions_are_small() -> None:
    def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    large = [
        f"{module.name}.{node.name}: {length(node)}"
        for module in modules()
        for node in functions(module)
        if length(node) > LARGEST_FUNCTION
    ]
    assert not large, f"a function has at most {LARGEST_FUNCTION} lines: name its parts, but\n" + "\n".join(large)


def test_names_say_what_is_inside() -> None:
    vague = [module.name for module in modules() if VAGUE & set(module.name.replace("_", ".").split("."))]
    assert not vague, f"no module is called {', '.join(sorted(VAGUE))}: name it by its content; found {vague}"


def test_public_functions_are_described() -> None:
    bare = [
        f"{module.name}:{node.lineno} {node.name}"
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare, "public functions and classes have a docstring: what it returns, units, shapes; but\n" + "\n".join(
        bare
    )
