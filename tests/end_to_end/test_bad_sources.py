"""Files that no run can start from: one clear message, an exit code of its kind, no traceback, nothing run or left."""

from __future__ import annotations

import os
import pickle

import onnx
import onnx_files
import pytest
from onnx import TensorProto, helper, numpy_helper

BAD = [
    ("unknown.onnx", 5, "No Op registered for Nonsense"),
    ("domain.onnx", 5, "domain.onnx cannot be the start of a run: ONNX Runtime"),
    ("outside.onnx", 5, "wants its values from '../w.bin', outside the model's folder"),
    ("gone.onnx", 5, "which does not exist; copy it there too"),
    ("double.onnx", 5, "most weights of double.onnx are float64"),
    ("zero.onnx", 5, "nothing goes in"),
    ("cut.onnx", 5, "a damaged ONNX file: truncated"),
    ("empty.onnx", 5, "is empty (0 bytes)"),
    ("evil.pt", 5, "a pickle can run code, so it is not loaded"),
    ("renamed.pt2", 5, "the name says exported program, the content is ONNX"),
    ("folder", 5, "a folder without saved_model.pb"),
    ("none.keras", 5, "none.keras does not exist"),
    ("net.py", 2, "net.py is Python: say which of its functions makes the model"),
]


class Evil:
    """Unpickled, it would make a file."""

    def __reduce__(self):
        return os.system, ("touch RAN",)


def saved(path, size=(1, 4), op="MatMul", domain="", dtype=TensorProto.FLOAT, weight=onnx_files.WEIGHT, place=""):
    ends = [helper.make_tensor_value_info(name, dtype, size) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"], ["y"], domain=domain)],
        "g",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(weight, "w")],
    )
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.save(model, path, save_as_external_data=bool(place), location="w.bin", size_threshold=0)
    if place:
        (path.parent / "w.bin").unlink()
        model = onnx.load(path, load_external_data=False)
        model.graph.initializer[0].external_data[0].value = place
        onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    saved(folder / "unknown.onnx", op="Nonsense")
    saved(folder / "domain.onnx", op="Own", domain="com.mine")
    saved(folder / "outside.onnx", place="../w.bin")
    saved(folder / "gone.onnx", place="w.bin")
    saved(folder / "double.onnx", dtype=TensorProto.DOUBLE, weight=onnx_files.WEIGHT.astype("float64"))
    saved(folder / "zero.onnx", size=(0, 4))
    whole = saved(folder / "whole.onnx").read_bytes()
    (folder / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "evil.pt").write_bytes(pickle.dumps(Evil()))
    (folder / "renamed.pt2").write_bytes(whole)
    (folder / "folder").mkdir()
    (folder / "net.py").write_text("")
    return folder


@pytest.mark.parametrize(("name", "code", "said"), BAD, ids=[row[0] for row in BAD])
def test_one_clear_error(cli, place, name, code, said):
    before = {path.name for path in place.iterdir()}
    ended = cli("run", name, "-t", "onnx", "-p", "fp32", cwd=place, timeout=120)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert {path.name for path in place.iterdir()} - before <= {".edge-export"}
    assert not (place / "RAN").exists()


def test_a_project_file_with_an_unknown_key(cli, place):
    (place / "folder" / "edge-export.toml").write_text('model = "../whole.onnx"\ntargts = ["onnx"]\n')
    ended = cli("run", cwd=place / "folder", timeout=60)
    assert ended.code == 3
    assert "unknown key 'targts' (did you mean 'targets'?)" in ended.err
    (place / "folder" / "edge-export.toml").unlink()


def test_a_sound_file_passes_in_the_same_place(cli, place):
    ended = cli("run", "whole.onnx", "-t", "onnx", "-p", "fp32", "--out", place / "made", "--json", cwd=place)
    assert ended.code == 0, ended.err
    assert [cell["outcome"] for cell in ended.json["cells"]] == ["PASSED"]
