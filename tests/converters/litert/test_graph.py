from __future__ import annotations

import zipfile

import numpy as np
import pytest
from drift_models import KERNEL, dense
from flat_models import running_sum

from converters.errors import ModelError
from converters.litert.graph import read_graph


def test_operators_constants_and_names_are_read(tmp_path):
    graph = read_graph(dense(tmp_path / "m.tflite").path)
    assert [op.type for op in graph.ops] == ["SUB", "FULLY_CONNECTED"]
    assert (graph.input_names, graph.output_names) == (("a", "b"), ("y",))
    assert graph.ops[1].attributes["fusedActivationFunction"] == "RELU"
    assert "keepNumDims" not in graph.ops[1].attributes
    np.testing.assert_array_equal(graph.tensors[graph.ops[1].inputs[1]].data, KERNEL)
    assert not graph.tensors[graph.ops[0].inputs[0]].constant


def test_a_called_graph_is_told_by_what_it_computes(tmp_path):
    once = read_graph(running_sum(tmp_path / "m.tflite").path).ops[0]
    assert once.type == "CALL_ONCE"
    assert len(once.attributes["initSubgraphIndex"]) == 16


def test_label_files_behind_the_model_are_notes(tmp_path):
    path = dense(tmp_path / "m.tflite").path
    assert read_graph(path).notes == {}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    assert read_graph(path).notes == {"labels.txt": b"cat\ndog\n"}


def test_another_format_is_refused(tmp_path):
    (tmp_path / "m.tflite").write_bytes(b"nothing at all")
    with pytest.raises(ModelError, match="not b'TFL3'"):
        read_graph(tmp_path / "m.tflite")
