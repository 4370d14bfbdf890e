from __future__ import annotations

import pytest

from converters.errors import UnsupportedError
from converters.executorch.graph import PORTABLE, Op

pytestmark = pytest.mark.torch


def test_arguments_have_the_names_of_the_schema():
    from converters.executorch.kernels import attributes

    said = ["Tensor", ["IntList", [2, 3]], ["Bool", True], ["Int", 6], "Tensor"]
    assert attributes(Op("aten::mean.out", PORTABLE, (0,), (1,), said)) == {
        "dim": (2, 3),
        "keepdim": True,
        "dtype": "float32",
    }
    assert attributes(Op("Conv2d", "xnnpack", (0,), (1,), [[("groups", 2)], {"output_min": 0.0}])) == {
        "groups": 2,
        "output_min": 0.0,
    }


def test_an_operator_is_computed_by_pytorchs_of_its_name():
    import torch

    from converters.executorch.kernels import computed

    joined = Op("aten::cat.out", PORTABLE, (0, 1), (2,), ["TensorList", ["Int", 1], "Tensor"])
    [found] = computed(joined, {0: torch.ones(2, 1), 1: torch.zeros(2, 2)})
    assert found.tolist() == [[1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("op", [Op("Conv2d", "xnnpack", (0,), (1,), []), Op("odd::none.out", PORTABLE, (0,), (1,), [])])
def test_what_pytorch_has_not_cannot_stand_alone(op):
    from converters.executorch.kernels import computed

    with pytest.raises(UnsupportedError, match="cannot stand alone"):
        computed(op, {})
