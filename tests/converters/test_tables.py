from __future__ import annotations

from converters.contract import Format, Signature, TensorSpec
from converters.inspection import Inspection, OpInfo, TensorInfo
from converters.tables import within_tables

IDS = TensorInfo("ids", (1, 12), "int32", False)
TABLE = TensorInfo("table", (50, 8), "float32", True)
FOUND = TensorInfo("found", (1, 12, 8), "float32", False)
MADE = TensorInfo("made", (1, 12), "int32", False)


def limits(tensors: list[TensorInfo], ops: list[OpInfo], spec: TensorSpec | None = None) -> object:
    spec = spec or TensorSpec("ids", (1, 12), "int32")
    file = Inspection(Format.ONNX, Signature((spec,), ()), tuple(tensors), tuple(ops), "")
    return within_tables(file).inputs[0].limits


def test_an_index_is_no_greater_than_its_table_has_rows_whatever_the_format_calls_the_lookup() -> None:
    for type in ("Gather", "GATHER", "gather", "GatherV2", "aten.embedding.default", "aten::embedding"):
        assert limits([TABLE, IDS, FOUND], [OpInfo(type, (0, 1), (2,))]) == (0.0, 49.0)
    assert limits([IDS, TABLE, FOUND], [OpInfo("EMBEDDING_LOOKUP", (0, 1), (2,))]) == (0.0, 49.0)


def test_an_index_and_a_table_may_be_moved_before_and_the_smallest_table_counts() -> None:
    cast, select = OpInfo("Cast", (1,), (3,)), OpInfo("SELECT_V2", (3, 4, 1), (5,))
    added = OpInfo("ADD", (3, 1), (4,))
    other = TensorInfo("small", (20, 3), "int8", True)
    real = TensorInfo("real", (20, 3), "float32", False)
    wide = TensorInfo("wide", (1, 12, 3), "float32", False)
    tensors = [TABLE, IDS, FOUND, MADE, MADE, MADE, other, real, wide]
    ops = [cast, added, select, OpInfo("GATHER", (0, 5), (2,))]
    assert limits(tensors, ops) == (0.0, 49.0)
    ops += [OpInfo("DequantizeLinear", (6,), (7,)), OpInfo("GATHER", (7, 5), (8,))]
    assert limits(tensors, ops) == (0.0, 19.0)


def test_the_name_that_a_signature_gives_is_the_one_that_counts() -> None:
    named = TensorInfo("serving_default_ids:0", (1, 12), "int32", False)
    assert limits([TABLE, named, FOUND], [OpInfo("GATHER", (0, 1), (2,))]) == (0.0, 49.0)


def test_what_is_no_index_into_rows_stays_open() -> None:
    lookup = [OpInfo("Gather", (0, 1), (2,))]
    assert limits([TABLE, IDS, FOUND, MADE], [OpInfo("Mul", (1, 1), (3,)), OpInfo("Gather", (0, 3), (2,))]) is None
    columns = TensorInfo("found", (50, 1, 12), "float32", False)
    assert limits([TABLE, IDS, columns], lookup) is None, "another axis is indexed"
    one = TensorInfo("table", (1, 8), "float32", True)
    assert limits([one, IDS, FOUND], lookup) is None, "a table of one row says nothing"
    assert limits([TensorInfo("table", (50,), "int64", True), IDS, FOUND], lookup) is None, "places in a shape"
    said = TensorSpec("ids", (1, 12), "int32", limits=(0.0, 3.0))
    assert limits([TABLE, IDS, FOUND], lookup, said) == (0.0, 3.0)
    real = TensorSpec("ids", (1, 12), "float32")
    assert limits([TABLE, IDS, FOUND], lookup, real) is None
