"""What no source of the project may do, and what no file of it may hold."""

from __future__ import annotations

import ast
import re

import pytest
from architecture.sources import ROOT, Module, modules, parse, texts

HOSTS = [  # written apart, so that this file does not name them either
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "repo1.maven" + ".org",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "download.pytorch" + ".org",
]
MACHINE_PATHS = [r"(?<![\w.$}-])/(?:home|root|Users|work|tmp/w)/\w", r"[A-Z]:\\\\Users"]
BARE_SKIPS = re.compile(r"\bpytest\.(?:skip|importorskip|xfail)\(|pytest\.mark\.(?:skip|skipif|xfail)\b")


def calls(module: Module) -> list[ast.Call]:
    """Every call in a module."""
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]


def is_true(node: ast.expr) -> bool:
    """Whether an argument is the constant True."""
    return isinstance(node, ast.Constant) and node.value is True


def dangers(module: Module) -> list[str]:
    """Calls that load code from a file of unknown origin."""
    found = []
    for call in calls(module):
        name = ast.unparse(call.func)
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if name.split(".")[0] in ("pickle", "cloudpickle", "dill", "joblib") and name.endswith((".load", ".loads")):
            found.append(f"{module.name}:{call.lineno} {name}: pickle runs code; use safetensors, JSON or npz")
        if "allow_pickle" in given and is_true(given["allow_pickle"]):
            found.append(f"{module.name}:{call.lineno} allow_pickle=True runs code from the file")
        if name == "torch.load" and not is_true(given.get("weights_only", ast.Constant(None))):
            found.append(f"{module.name}:{call.lineno} torch.load needs weights_only=True")
        if name.endswith("load_model") and not is_true(given.get("safe_mode", ast.Constant(None))) and "keras" in name:
            found.append(f"{module.name}:{call.lineno} {name} needs safe_mode=True")
        if name.endswith(".extractall") and "filter" not in given and "zip" not in name:
            found.append(f"{module.name}:{call.lineno} {name} needs filter='data': members may leave the folder")
    return found


def test_no_file_can_run_code() -> None:
    found = [line for module in modules() for line in dangers(module)]
    assert not found, "a model or data file never runs code:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import pickle\npickle.load(stream)", "pickle runs code"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("torch.load(path)", "weights_only=True"),
        ("keras.models.load_model(path, safe_mode=False)", "safe_mode=True"),
        ("archive.extractall(folder)", "filter='data'"),
    ],
)
def test_dangers_are_seen(code: str, reason: str) -> None:
    module = Module("made_up", ROOT, code, ast.parse(code))
    assert any(reason in line for line in dangers(module))


def test_no_file_names_a_registry() -> None:
    found = [f"{path.relative_to(ROOT)}: {host}" for path, text in texts() for host in HOSTS if host in text]
    assert not found, f"no file names a registry's host: users choose their own; found {found}"


def test_no_file_names_a_machine() -> None:
    pattern = re.compile("|".join(MACHINE_PATHS))
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts()
        if path.name != "test_safety.py"
        for match in pattern.finditer(text)
    ]
    assert not found, f"no file names a path of somebody's machine; found {found}"


def test_no_test_skips_in_silence() -> None:
    tests = [parse(path) for path in sorted((ROOT / "tests").rglob("*.py"))]
    own = {"conftest.py", "test_safety.py"}
    found = [
        f"{module.path.relative_to(ROOT)}: {match[0]}"
        for module in tests
        if module.path.name not in own
        for match in BARE_SKIPS.finditer(module.text)
    ]
    assert not found, f"a test that cannot run says so with the fixture `not_run`, which fails in CI; found {found}"
