from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import outlier_nets
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import ConfigError
from pipeline.checks.precision import check_precision
from pipeline.configs import load_configs

IMAGES = outlier_nets.images().transpose(0, 1, 4, 2, 3)


@pytest.fixture
def net(tmp_path: Path) -> Artifact:
    np.savez(tmp_path / "c.npz", image=IMAGES)
    return outlier_nets.onnx_file(tmp_path / "net.onnx")


def made(net: Artifact, precision: Precision = Precision.INT8, **options: object) -> Artifact:
    folder = net.path.parent
    target = folder / f"made{len(list(folder.iterdir()))}.onnx"
    return job.convert("quantize_onnx", ConversionRequest(net, target, precision, folder / "c.npz", options))


def snr_db(net: Artifact, file: Artifact) -> float:
    wanted, got = (job.open_session("onnxruntime", one).run_many({"image": IMAGES})["logits"] for one in (net, file))
    return float(10 * np.log10(np.square(wanted).sum() / np.square(wanted - got).sum()))


def test_equalization_makes_up_for_channels_of_very_different_size(net: Artifact) -> None:
    assert snr_db(net, made(net, equalize=True)) > snr_db(net, made(net)) + 6


def test_bias_correction_takes_back_a_mean_error(net: Artifact) -> None:
    plain, better = made(net), made(net, bias_correction=True)
    assert plain.graph_hash != better.graph_hash
    assert snr_db(net, better) > snr_db(net, plain) - 1


@pytest.mark.parametrize("ranges", ["percentile-99.99", "percentile-99.9", "mse"])
def test_other_ranges_give_another_file_that_is_near(net: Artifact, ranges: str) -> None:
    other = made(net, ranges=ranges)
    assert (other.graph_hash != made(net).graph_hash) or ranges == "mse"
    assert snr_db(net, other) > 10
    assert other.signature.inputs == made(net).signature.inputs


def test_kept_operators_stay_in_float_and_are_declared(net: Artifact) -> None:
    mixed = made(net, keep=["^hidden$", "deep|c2"])
    assert {"hidden", "deep"} <= set(mixed.kept)
    found = job.inspect(mixed.path, Format("onnx"))
    floats = [t for t in found.tensors if t.constant and t.dtype == "float32" and len(t.shape) == 4]
    assert [sorted(tensor.shape) for tensor in floats][-1] == [1, 3, 3, 4]
    assert snr_db(net, mixed) > snr_db(net, made(net))
    gate = load_configs(None, None)[1].precision[Precision.INT8]
    assert not [r for r in check_precision(found, Precision.INT8, gate, kept=mixed.kept).reasons if "float" in r]


def test_the_same_recipe_gives_the_same_bytes(net: Artifact) -> None:
    options = {"keep_ops": [1], "ranges": "mse", "equalize": True, "bias_correction": True}
    assert made(net, **options).sha256 == made(net, **options).sha256


def test_what_a_recipe_names_must_be_there(net: Artifact) -> None:
    with pytest.raises(ConfigError, match="keep 'nothing' matches no operator"):
        made(net, keep=["nothing"])
    with pytest.raises(ConfigError, match="there are no ranges 'best'"):
        made(net, ranges="best")
    with pytest.raises(ConfigError, match="fp16 has no calibration"):
        made(net, Precision.FP16, equalize=True)


def test_the_float_file_with_changed_weights_is_left_where_it_is_asked_for(net: Artifact, tmp_path: Path) -> None:
    def edited(name: str, **options: object) -> Path:
        left = tmp_path / f"{name}.edited.onnx"
        request = ConversionRequest(net, tmp_path / f"{name}.onnx", Precision.INT8, tmp_path / "c.npz", options, left)
        job.convert("quantize_onnx", request)
        return left

    assert not edited("plain", ranges="mse").exists()
    same = dataclasses.replace(net, path=edited("equal", equalize=True))
    moved = dataclasses.replace(net, path=edited("moved", bias_correction=True))
    assert snr_db(net, same) > 100, "it computes the same"
    assert 15 < snr_db(net, moved) < 100, "its biases are others"


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT16X8])
def test_a_probability_is_told_also_where_calibration_finds_nothing(tmp_path: Path, precision: Precision) -> None:
    """A text detector calibrated on pictures without text gave out at most 0.017, whatever it saw."""
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
        for n, shape in (("image", (1, 4)), ("found", (4, 1)))
    ]
    nodes = [
        helper.make_node("MatMul", ["image", "w"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["map"]),
        helper.make_node("Transpose", ["map"], ["found"], perm=[1, 0]),
    ]
    held = [numpy_helper.from_array(np.eye(4, dtype=np.float32) * 4, "w")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "net.onnx"
    )
    told = Signature((TensorSpec("image", (1, 4), "float32"),), (TensorSpec("found", (4, 1), "float32"),))
    empty = np.random.default_rng(0).uniform(-3, -2, (16, 1, 4)).astype(np.float32)
    np.savez(tmp_path / "c.npz", image=empty)
    file = made(Artifact(tmp_path / "net.onnx", Format.ONNX, Precision.FP32, told, told), precision)
    (got,) = job.open_session("onnxruntime", file).run_many({"image": np.float32([[[0, -3, -1, -3]]])})["found"]
    assert got.ravel()[1] < 0.01
    assert 0.4 < got.max() <= 0.51
