from __future__ import annotations

import sys
from pathlib import Path

import pytest

from converters import builder
from converters.contract import Framework
from converters.errors import ModelError


def write(folder: Path, text: str, name: str = "net.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.torch
def test_a_file_is_built_with_its_folder_on_the_path(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 5\n", "sizes_of_net.py")
    file = write(
        tmp_path, "import torch\nimport sizes_of_net\ndef make(n):\n    return torch.nn.Linear(n, sizes_of_net.WIDTH)\n"
    )
    before = sys.path[0]
    model = builder.build(f"{file}:make", {"n": 3}, None)
    assert (model.in_features, model.out_features, model.training) == (3, 5, False)
    assert builder.framework_of(model) is Framework.TORCH
    assert sys.path[0] == before


@pytest.mark.torch
@pytest.mark.parametrize("framework", ["torch", None])
def test_weights_are_seeded(tmp_path: Path, framework: str | None) -> None:
    file = write(tmp_path, "def make():\n    import torch\n    return torch.nn.Linear(2, 2)\n")
    first, second = (builder.build(f"{file}:make", {}, framework) for _ in range(2))
    assert first.weight.tolist() == second.weight.tolist()


@pytest.mark.tensorflow
def test_keras_weights_are_seeded(tmp_path: Path) -> None:
    file = write(
        tmp_path, "import keras\ndef make():\n    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])\n"
    )
    first, second = (builder.build(f"{file}:make", {}, None) for _ in range(2))
    assert builder.framework_of(first) is Framework.TENSORFLOW
    assert first.get_weights()[0].tolist() == second.get_weights()[0].tolist()


def test_a_changed_file_is_imported_anew(tmp_path: Path) -> None:
    one = builder.module_of(f"{write(tmp_path, 'VALUE = 1')}:f")
    two = builder.module_of(f"{write(tmp_path, 'VALUE = 2')}:f")
    assert (one.VALUE, two.VALUE) == (1, 2)
    assert one is builder.module_of(f"{write(tmp_path, 'VALUE = 1')}:f")


def test_a_module_is_found_by_name() -> None:
    import tiny_models

    assert builder.module_of("tiny_models:torch_conv") is tiny_models


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("def other(): ...\ndef _hidden(): ...\n", "make", "net.py has no function 'make'; it has other$"),
        ("", "make", "has no function 'make'; it has no functions"),
        ("make = 3\n", "make", "has no function 'make'"),
        ("import no_such_package\n", "make", "cannot be imported: ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)\n", "make", "cannot be imported: SystemExit"),
        ("def make(:\n", "make", "cannot be imported: SyntaxError"),
        ("def make(): raise ValueError('one\\nlast words')\n", "make", "failed in line 1: ValueError: one last words"),
        ("def make(n): ...\n", "make", "is called without arguments: missing a required argument: 'n'; give its"),
        ("def make(): raise SystemExit(3)\n", "make", "failed in line 1: SystemExit: 3"),
        ("def make(): return 7\n", "make", "returned builtins.int, not a model; return an nn.Module or a keras.Model"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        builder.build(f"{write(tmp_path, text)}:{name}", {}, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no/such.py:make", "there is no file no/such.py"),
        ("no_such_module:make", "no_such_module of builder .* cannot be imported: ModuleNotFoundError"),
        ("net.py", "is not `module:function` or `file.py:function`"),
        ("net.py:", "is not `module:function`"),
    ],
)
def test_a_builder_that_is_not_there(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        builder.module_of(text)


@pytest.mark.torch
def test_the_framework_asked_for_is_checked(tmp_path: Path) -> None:
    file = write(tmp_path, "import torch\ndef make():\n    return torch.nn.Linear(2, 2)\n")
    with pytest.raises(ModelError, match=r"returned torch\.nn\.modules\.linear\.Linear, not a keras\.Model"):
        builder.build(f"{file}:make", {}, "tensorflow")


def test_the_last_line_of_a_keras_error_is_its_cause() -> None:
    text = "Exception encountered when calling A.call().\n\n\x1b[1mno such key\x1b[0m"
    text += "\n\nArguments received by A.call():\n  x"
    assert builder.last_line(TypeError(text)) == "TypeError: Exception encountered when calling A.call(). no such key"
    assert builder.last_line(ValueError("first\n\tlast\n")) == "ValueError: first last"
    assert builder.last_line(ValueError("first " * 100 + "\nlast\n")) == "ValueError: last"
    assert builder.last_line(ValueError()) == "ValueError"
