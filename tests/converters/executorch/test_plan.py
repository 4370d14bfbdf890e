from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MODELS

from converters.contract import Artifact
from converters.errors import ModelError, UnsupportedError
from converters.executorch.graph import MEMORY, PORTABLE, Graph
from converters.executorch.plan import read_graph
from converters.executorch.program import Program, opened

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def graph_of(artifact: Artifact) -> Graph:
    with opened(artifact.path) as program:
        return read_graph(program)


def tensor(sizes: list[int], buffer: int = 0, **extra: Any) -> dict[str, Any]:
    """A row of the plan's values: computed, or the constant of that number."""
    fields = {"scalar_type": "FLOAT", "sizes": sizes, "data_buffer_idx": buffer, "extra_tensor_info": extra or None}
    return {"val": ("Tensor", {**fields, "allocation_info": None if buffer else {"memory_id": 1}})}


def program(values: list[dict], instructions: list[tuple[str, dict]], **more: Any) -> Program:
    plan = {
        "name": "forward",
        "values": values,
        "inputs": [0],
        "outputs": [1],
        "delegates": [],
        "operators": [{"name": "aten::add", "overload": "out"}],
        "chains": [{"instructions": [{"instr_args": one} for one in instructions]}],
        **more,
    }
    constants = {"segment_index": 0, "offsets": [0, 0]}
    return Program({"execution_plan": [plan], "constant_segment": constants}, [memoryview(bytes(16))], {})


ADD = ("KernelCall", {"op_index": 0, "args": [0, 2, 1, 1]})


def test_operators_of_its_own_and_of_a_delegate_in_order(exported: Exported) -> None:
    graph = graph_of(exported("torch_mixed"))
    assert [(op.type, op.device) for op in graph.ops] == [
        ("aten::embedding.out", PORTABLE),
        ("StaticReshape", "xnnpack"),
        ("Multiply", "xnnpack"),
        ("aten::sum.IntList_out", PORTABLE),
        ("FullyConnected", "xnnpack"),
    ]
    assert graph.backends == ("XnnpackBackend",)
    assert graph.kernels == ("aten::embedding.out", "aten::sum.IntList_out")
    reshaped, product, total = graph.ops[1].outputs[0], graph.ops[2].outputs[0], graph.ops[3].outputs[0]
    assert set(graph.ops[2].inputs) == {graph.ops[0].outputs[0], reshaped}
    assert graph.ops[3].inputs == (product,)
    assert graph.ops[4].inputs[0] == total
    assert graph.ops[4].outputs == graph.outputs


def test_constants_are_the_models_own(exported: Exported, tmp_path: Path) -> None:
    from converters import source

    graph = graph_of(exported("torch_conv", "portable"))
    model = source.load(MODELS["torch_conv"].source(tmp_path))
    stem = graph.values[graph.ops[2].inputs[1]]
    assert stem.shape == (8, 3, 3, 3)
    assert stem.data is not None
    assert np.array_equal(np.frombuffer(stem.data, np.float32), model.stem.weight.detach().numpy().ravel())


def test_an_out_variant_reads_what_it_does_not_write() -> None:
    found = read_graph(program([tensor([2]), tensor([2]), tensor([2], 1)], [ADD]))
    assert [(op.type, op.inputs, op.outputs) for op in found.ops] == [("aten::add.out", (0, 2), (1,))]


def test_moves_and_jumps_are_operators() -> None:
    moves = [
        ("JumpFalseCall", {"cond_value_index": 0, "destination_instruction": 2}),
        ("MoveCall", {"move_from": 0, "move_to": 1}),
        ("FreeCall", {"value_index": 0}),
    ]
    found = read_graph(program([tensor([2]), tensor([2])], moves))
    assert [(op.type, op.inputs, op.outputs) for op in found.ops] == [
        ("JumpFalse", (0,), ()),
        ("Move", (0,), (1,)),
    ]


def test_an_unknown_backend_is_one_operator() -> None:
    delegate = {"id": "FooBackend", "processed": {"location": "SEGMENT", "index": 0}, "compile_specs": []}
    call = ("DelegateCall", {"delegate_index": 0, "args": [0, 1]})
    found = read_graph(program([tensor([2]), tensor([2])], [call], delegates=[delegate]))
    assert found.backends == ("FooBackend",)
    assert [(op.type, op.device) for op in found.ops] == [("FooBackend", "FooBackend")]


def test_a_value_that_is_read_before_it_is_written_is_state() -> None:
    assert not read_graph(program([tensor([2]), tensor([2]), tensor([2], 1)], [ADD])).stateful
    assert read_graph(program([tensor([2]), tensor([2]), tensor([2])], [ADD])).stateful
    written = ("MoveCall", {"move_from": 0, "move_to": 2})
    assert not read_graph(program([tensor([2]), tensor([2]), tensor([2])], [written, ADD])).stateful


def test_what_cannot_be_read_is_refused() -> None:
    number = {"val": ("Int", {"int_val": 3})}
    with pytest.raises(UnsupportedError, match="an input of `forward` is no tensor but Int"):
        read_graph(program([number, tensor([2])], []))
    outside = tensor([2], 1, fully_qualified_name="head.weight", location="EXTERNAL")
    with pytest.raises(UnsupportedError, match=r"its weights \(head.weight\) lie in another file, a .ptd"):
        read_graph(program([tensor([2]), tensor([2]), outside], [ADD]))
    with pytest.raises(ModelError, match="damaged: it speaks of value 9 of 2"):
        read_graph(program([tensor([2]), tensor([2])], [("MoveCall", {"move_from": 9, "move_to": 1})]))
    with pytest.raises(ModelError, match="damaged: it points to byte 400 of 16"):
        read_graph(program([tensor([2]), tensor([2]), tensor([100], 1)], [ADD]))


def placed(sizes: list[int], offset: int) -> dict[str, Any]:
    """A computed tensor with a place in memory."""
    found = tensor(sizes)
    found["val"][1]["allocation_info"] = {"memory_id": 1, "memory_offset_high": 0, "memory_offset_low": offset}
    return found


def test_a_view_has_no_instruction_but_the_place_of_what_it_shows() -> None:
    written = ("MoveCall", {"move_from": 0, "move_to": 2})
    values = [placed([2, 3], 0), placed([6], 64), placed([2, 3], 32), placed([6], 32)]
    adding = ("KernelCall", {"op_index": 0, "args": [3, 3, 1, 1]})
    found = read_graph(program(values, [written, adding]))
    assert [(op.type, op.device, op.inputs, op.outputs) for op in found.ops][1:] == [
        ("aten::view_copy.out", MEMORY, (2,), (3,)),
        ("aten::add.out", PORTABLE, (3, 3), (1,)),
    ]
    assert not found.stateful
    other = [*values[:3], placed([5], 32)]  # not as many values: nothing was written there that this could show
    assert read_graph(program(other, [written, adding])).stateful
    last = read_graph(program(values, [written], outputs=[3]))
    assert (last.ops[-1].device, last.outputs) == (MEMORY, (3,))
