from __future__ import annotations

import pytest

from converters.contract import Signature, TensorSpec
from converters.names import described, kept_names, partners_by_number, unknown_input


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("image", "image"),
        ("heads.b.1", "heads.b.1"),
        ("out-1/x", "out-1/x"),
        ("my input:1", "my_input_1"),
        ("été", "ete"),
        ("_hidden", "hidden"),
        ("出力", "tensor"),
    ],
)
def test_names_that_toolkits_keep(name: str, kept: str) -> None:
    assert kept_names([name]) == [kept]


def test_kept_names_are_unique_and_in_order() -> None:
    assert kept_names(["a b", "a:b", "c", "a_b"]) == ["a_b", "a_b_1", "c", "a_b_2"]


def test_a_file_s_own_signature_is_told_what_only_the_source_knows():
    source = Signature(
        (TensorSpec("x", (1, 3, 4, 5), "float32", "NCHW", meaning="image"),), (TensorSpec("y", (1,), "int8"),)
    )
    bare = Signature((TensorSpec("x", (1, 3, 4, 5), "float32"),), (TensorSpec("y", (1,), "int8"),))
    assert described(bare, source) == source
    flat = Signature((TensorSpec("x", (60,), "float32"),), bare.outputs)
    assert described(flat, source) == flat, "another rank has another layout"


@pytest.mark.parametrize(
    ("names", "others", "partners"),
    [
        (("Identity_1", "Identity"), ("b", "a"), {"Identity": "a", "Identity_1": "b"}),
        (("b", "a"), ("PartitionedCall:1", "PartitionedCall:0"), {"a": "PartitionedCall:0", "b": "PartitionedCall:1"}),
        (
            ("Identity:0", "Identity_1:0"),
            ("StatefulPartitionedCall:1", "StatefulPartitionedCall:0"),
            {"Identity:0": "StatefulPartitionedCall:0", "Identity_1:0": "StatefulPartitionedCall:1"},
        ),
        (("p", "a"), ("output_1", "output_0"), {"p": "output_0", "a": "output_1"}),
        (("output_1", "output_0"), ("p", "a"), {"output_0": "p", "output_1": "a"}),
        (("output_0", "output_1"), ("Identity_1", "Identity"), {"output_0": "Identity", "output_1": "Identity_1"}),
        (("Identity_1", "Identity"), ("output_0", "output_1"), {"Identity": "output_0", "Identity_1": "output_1"}),
        (("p", "q"), ("a", "b"), None),
        (("Identity", "Identity:0"), ("a", "b"), None),
        (("Identity", "Identity_1"), ("a",), None),
    ],
)
def test_numbers_in_the_place_of_names_say_which_it_was(names, others, partners):
    assert partners_by_number(names, others) == partners


def test_an_input_that_is_not_there_is_said_with_those_that_are() -> None:
    assert str(unknown_input("m.onnx", "z", ["x", "y"])) == "m.onnx has no input 'z'; it takes x, y"
    assert str(unknown_input("m.pt", "z", [])) == "m.pt has no input 'z'; it takes none by name"
    assert unknown_input("m.pt", "z", []).exit_code == 2
