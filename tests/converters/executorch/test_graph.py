from __future__ import annotations

import pytest

from converters.errors import UnsupportedError
from converters.executorch.graph import Graph, Value, itemsize


def test_a_value_takes_the_quantization_that_a_delegate_knows() -> None:
    graph = Graph()
    place = graph.add(Value("value_0", (1, 5), "int8"))
    graph.quantize(place, Value("xnnpack_0", (1, 5), "int8", scales=(0.5,), zero_point=-3, quantization="q"))
    assert graph.values == [Value("value_0", (1, 5), "int8", scales=(0.5,), zero_point=-3, quantization="q")]


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("int8", 1), ("bfloat16", 2), ("bool", 1)])
def test_bytes_of_an_element(dtype: str, size: int) -> None:
    assert itemsize(dtype) == size


def test_a_type_of_unknown_size_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="tensors of type quint4x2 cannot be read"):
        itemsize("quint4x2")
