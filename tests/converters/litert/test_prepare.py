from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.errors import ConfigError
from converters.litert import prepare
from converters.litert.prepare import _by_ourselves, _by_the_quantizer
from converters.litert.signature import signature_key
from pipeline.checks.precision import check_precision
from pipeline.configs import load_configs

IMAGES = outlier_nets.images()


@pytest.fixture
def net(tmp_path: Path) -> Artifact:
    np.savez(tmp_path / "c.npz", image=IMAGES)
    return outlier_nets.tflite(tmp_path / "net.tflite")


def made(net: Artifact, precision: Precision = Precision.INT8, **options: object) -> Artifact:
    folder = net.path.parent
    target = folder / f"made{len(list(folder.iterdir()))}.tflite"
    return job.convert("quantize_litert", ConversionRequest(net, target, precision, folder / "c.npz", options))


def snr_db(net: Artifact, file: Artifact) -> float:
    wanted, got = (
        job.open_session("litert-reference", one).run_many({"image": IMAGES})["logits"] for one in (net, file)
    )
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
    found = job.inspect(mixed.path, Format("tflite"))
    floats = [t for t in found.tensors if t.constant and t.dtype == "float32" and len(t.shape) == 4]
    assert [sorted(tensor.shape) for tensor in floats][-1] == [1, 3, 3, 4]
    assert snr_db(net, mixed) > snr_db(net, made(net))
    gate = load_configs(None, None)[1].precision[Precision.INT8]
    assert not [r for r in check_precision(found, Precision.INT8, gate, kept=mixed.kept).reasons if "float" in r]


def test_the_same_recipe_gives_the_same_bytes(net: Artifact) -> None:
    options = {"keep_ops": [1], "ranges": "mse", "equalize": True, "bias_correction": True}
    assert made(net, **options).sha256 == made(net, **options).sha256


def test_ranges_are_those_that_the_quantizer_would_measure(net: Artifact) -> None:
    """It takes minutes for an unrolled GRU of 2,000 operators."""
    content, key = net.path.read_bytes(), signature_key(net.path)
    samples = [{"image": image} for image in IMAGES[:6]]
    own, theirs = _by_ourselves(content, key, samples), _by_the_quantizer(content, key, samples)
    assert own is not None
    assert own.keys() == theirs.keys()
    for name, entry in theirs.items():
        for end in ("min", "max"):
            np.testing.assert_allclose(own[name][end], entry[end], rtol=1e-4, atol=1e-5, err_msg=name)
    assert any(own[name]["max"] > _by_the_quantizer(content, key, samples[:1])[name]["max"] for name in own)


def test_a_tensor_that_hangs_on_rounding_is_given_both_ranges_and_many_are_left_to_the_quantizer(
    net: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, key = net.path.read_bytes(), signature_key(net.path)
    samples = [{"image": image} for image in IMAGES[:3]]
    name = max(_by_the_quantizer(content, key, samples[:1]))
    plain = prepare.extremes

    def elsewhere(names: set[str]) -> None:
        def found(*arguments: object) -> dict[str, np.ndarray]:
            ends = plain(*arguments)
            return {n: ends[n] * 0 if n in names else ends[n] for n in ends}

        monkeypatch.setattr(prepare, "extremes", found)

    monkeypatch.setattr(prepare, "_OTHERWISE", 0.5)
    elsewhere({name})
    made = _by_ourselves(content, key, samples)
    first = _by_the_quantizer(content, key, samples[:1])[name]
    assert made is not None
    assert (made[name]["min"], made[name]["max"]) == (min(first["min"], 0), max(first["max"], 0))
    elsewhere(set(_by_the_quantizer(content, key, samples[:1])))
    assert _by_ourselves(content, key, samples) is None


def test_what_the_quantizer_would_leave_out_is_left_to_it(net: Artifact) -> None:
    content, key = net.path.read_bytes(), signature_key(net.path)
    samples = [{"image": image} for image in (IMAGES[0], np.full_like(IMAGES[0], 3.2e38))]
    assert _by_ourselves(content, key, samples) is None


def test_what_a_recipe_names_must_be_there(net: Artifact) -> None:
    with pytest.raises(ConfigError, match="keep 'nothing' matches no operator"):
        made(net, keep=["nothing"])
    with pytest.raises(ConfigError, match="there are no ranges 'best'"):
        made(net, ranges="best")
    with pytest.raises(ConfigError, match="fp16 has no calibration"):
        made(net, Precision.FP16, equalize=True)


def test_the_float_file_with_changed_weights_is_left_where_it_is_asked_for(net: Artifact, tmp_path: Path) -> None:
    def edited(name: str, **options: object) -> Path:
        left = tmp_path / f"{name}.edited.tflite"
        request = ConversionRequest(net, tmp_path / f"{name}.tflite", Precision.INT8, tmp_path / "c.npz", options, left)
        job.convert("quantize_litert", request)
        return left

    assert not edited("plain", ranges="mse").exists()
    same = dataclasses.replace(net, path=edited("equal", equalize=True))
    moved = dataclasses.replace(net, path=edited("moved", bias_correction=True))
    assert snr_db(net, same) > 100, "it computes the same"
    assert 15 < snr_db(net, moved) < 100, "its biases are others"
