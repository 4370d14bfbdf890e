from __future__ import annotations

from pathlib import Path

import outlier_nets
import pytest

from converters.errors import ConfigError
from converters.graph import Graph
from converters.litert.graph import read_graph
from converters.onnx.graph import read_graph as read_onnx
from converters.tuning import KEYS
from converters.tuning.options import Tuning, kept_names, kept_operators, parse


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return read_graph(outlier_nets.tflite(tmp_path_factory.mktemp("net") / "net.tflite").path)


def test_the_keys_are_those_that_converters_declare() -> None:
    assert tuple(Tuning.__dataclass_fields__) == KEYS
    assert parse({}) == Tuning()
    assert parse({"keep": ["a"], "keep_ops": [2], "ranges": "mse", "equalize": True}) == Tuning(
        ("a",), (2,), "mse", equalize=True
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kep": ["a"]}, r"unknown key 'kep' \(did you mean 'keep'\?\); known are keep, keep_ops, ranges"),
        ({"keep": "a"}, "keep is a list of regular expressions, found 'a'"),
        ({"keep": ["("]}, r"keep '\(' is no regular expression"),
        ({"keep_ops": [-1]}, r"keep_ops is a list of operators' places from 0, found \(-1,\)"),
        ({"keep_ops": [True]}, "keep_ops is a list"),
        ({"ranges": "best"}, "there are no ranges 'best'; there are minmax, percentile-99.99, percentile-99.9, mse"),
        ({"equalize": 1}, "equalize is true or false, found 1"),
    ],
)
def test_what_a_recipe_may_not_say(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(options)


def test_operators_are_kept_by_output_by_constant_and_by_place(graph: Graph) -> None:
    def places(**said: object) -> list[int]:
        return [op.index for op in kept_operators(graph, parse(said))]

    assert places(keep=["^deep$"]) == [1]
    assert places(keep=["w1"]) == [0]
    assert places(keep=["hid|out"], keep_ops=[1]) == [0, 1, 3]
    assert places() == []


def test_an_expression_that_matches_nothing_lists_what_there_is(graph: Graph) -> None:
    with pytest.raises(ConfigError, match="keep 'nothing' matches no operator; their outputs are hidden, deep, mean"):
        kept_operators(graph, parse({"keep": ["nothing"]}))
    with pytest.raises(ConfigError, match="there is no operator 4; the file has 4, counted from 0"):
        kept_operators(graph, parse({"keep_ops": [4]}))


def test_what_is_folded_into_a_kept_operator_is_kept_with_it(tmp_path: Path, graph: Graph) -> None:
    net = read_onnx(outlier_nets.onnx_file(tmp_path / "net.onnx").path)
    assert kept_names(net, parse({"keep": ["^c1$"]})) == ("c1", "hidden")
    assert kept_names(graph, parse({"keep_ops": [0]})) == ("hidden",)
