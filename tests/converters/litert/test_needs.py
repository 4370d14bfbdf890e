from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from drift_models import dense

from benchmarks.mutation.flat import File
from converters.inspection import Needs, OpInfo, TensorInfo
from converters.litert.inspect import inspect
from converters.litert.needs import KEY, claim, needs


def tensor(dtype: str, scales: int = 0) -> TensorInfo:
    return TensorInfo("t", (1, 4), dtype, constant=False, scales=scales)


@pytest.mark.parametrize(
    ("kind", "types", "version", "release"),
    [
        ("CONV_2D", ("float32", "float32"), 1, "1.5.0"),
        ("CONV_2D", ("int8", "int8"), 1, "1.14.0"),
        ("CONV_2D", ("float32", "int8"), 2, "1.14.0"),
        ("DEPTHWISE_CONV_2D", ("float32", "int8"), 1, "2.2.0"),
        ("FULLY_CONNECTED", ("int16", "int8"), 4, "2.3.0"),
        ("LEAKY_RELU", ("float32",), 1, "1.13.1"),
        ("GELU", ("float32",), 2, "2.9.0"),
        ("SUB", ("int64",), 1, "2.4.0"),
        ("CONV_2D", ("int8", "int4"), 1, "2.11.0"),
        ("FULLY_CONNECTED", ("float32", "float32"), 12, "2.17.0"),
        ("TRANSPOSE", ("float32",), 6, "2.12.0"),
        ("DYNAMIC_UPDATE_SLICE", ("int16",), 1, "2.20.0"),
    ],
)
def test_an_operator_needs_the_release_of_its_types_whatever_version_it_declares(kind, types, version, release):
    found = needs([OpInfo(kind, tuple(range(len(types))), (0,), version)], [tensor(dtype) for dtype in types], "1.5.0")
    assert found.version == release
    assert found.understated == (release != "1.5.0")


@pytest.mark.parametrize(("kind", "release"), [("CONV_2D", "2.4.0"), ("FULLY_CONNECTED", "2.17.0")])
def test_one_scale_a_channel_beside_float_inputs_came_later(kind, release):
    found = needs([OpInfo(kind, (0, 1), (0,), 1)], [tensor("float32"), tensor("int8", 8)], "")
    assert (found.version, found.understated) == (release, False)


def test_the_newest_operator_decides_and_what_no_release_lists_says_nothing():
    ops = [
        OpInfo("CONV_2D", (0,), (0,), 9),
        OpInfo("GELU", (0,), (0,)),
        OpInfo("RELU", (0,), (0,)),
        OpInfo("MINE", (), ()),
    ]
    assert needs(ops, [tensor("float32")], "").version == "2.9.0"
    assert needs(ops[:1], [tensor("float32")], "").version == ""


def test_versions_are_compared_as_numbers():
    assert Needs("", "2.10.0", claimed="2.9.0").understated
    assert not Needs("", "2.9.0", claimed="2.10").understated


def test_a_file_claims_what_it_is_told_to_and_nothing_else_changes(tmp_path):
    path = claiming(tmp_path / "honest.tflite", "1.5.0")
    before, size = inspect(path), path.stat().st_size
    assert before.needs == Needs("TensorFlow Lite", "1.6.0", "SUB of version 1", "1.5.0")
    claim(path, before.needs.version)
    after = inspect(path)
    assert after.needs == dataclasses.replace(before.needs, claimed="1.6.0")
    assert (after.graph_hash, path.stat().st_size) == (before.graph_hash, size)


def test_a_file_that_claims_nothing_is_left_as_it_is(tmp_path):
    path = dense(tmp_path / "silent.tflite").path
    content = path.read_bytes()
    claim(path, "2.3.0")
    assert path.read_bytes() == content
    assert not inspect(path).needs.understated


def claiming(path: Path, version: str) -> Path:
    """A file with the entry that converters write."""
    file = File.read(dense(path).path)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(version.encode().ljust(16, b"\0"), np.uint8)
    entry.name, entry.buffer = KEY, len(file.model.buffers)
    file.model.buffers.append(buffer)
    file.model.metadata = [entry]
    return file.write(path)
