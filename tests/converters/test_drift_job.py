from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drift_models import KERNEL, dense
from tiny_models import MODELS

from converters import drift_job, registry
from converters.contract import Signature
from converters.errors import ModelError, UnsupportedError


def test_a_format_that_nobody_looks_into_is_refused(monkeypatch, tmp_path):
    made = dense(tmp_path / "m.tflite")
    monkeypatch.setattr(registry, "toolkits", lambda: ())
    with pytest.raises(UnsupportedError, match="nobody looks inside tflite models; inside"):
        drift_job.graph(made)


def test_a_damaged_file_is_a_model_error(tmp_path):
    made = dense(tmp_path / "m.tflite")
    made.path.write_bytes(b"\0\0\0\0TFL3")
    with pytest.raises(ModelError):
        drift_job.graph(made)


def test_values_inside_are_those_of_each_sample(tmp_path):
    made = dense(tmp_path / "m.tflite")
    rng = np.random.default_rng(1)
    stacks = {name: rng.normal(size=(3, 1, 6)).astype(np.float32) for name in "ab"}
    np.savez(tmp_path / "inputs.npz", **{f"input/{name}": values for name, values in stacks.items()})
    found = drift_job.trace(made, tmp_path / "inputs.npz", "input/", (2, 5))
    np.testing.assert_allclose(found[2], stacks["a"] - stacks["b"], rtol=1e-6)
    assert found[5].shape == (3, 1, 4)
    alone = drift_job.run(made, {2: found[2]}, (5,))[5]
    np.testing.assert_allclose(alone, found[5], rtol=1e-5)
    want = np.maximum(found[2] @ KERNEL.T + [0.1, 0.2, 0.3, -0.4], 0)
    np.testing.assert_allclose(alone, want, rtol=1e-4, atol=1e-5)


@pytest.mark.torch
def test_a_model_is_opened_as_it_was_first_asked_for(tmp_path):
    model = MODELS["torch_two_in_two_out"]
    artifact = model.source(tmp_path)
    graph = drift_job.graph(artifact)
    inputs = model.inputs(2)
    np.savez(tmp_path / "inputs.npz", **{f"input/{name}": values for name, values in inputs.items()})
    drift_job._open.clear()  # as if others had been looked at meanwhile
    turned = dataclasses.replace(artifact, signature=Signature(artifact.signature.inputs[::-1], ()))
    found = drift_job.trace(turned, tmp_path / "inputs.npz", "input/", graph.outputs)
    assert [found[index].shape for index in graph.outputs] == [(2, 1, 4), (2, 1, 2, 6, 10)]
    assert drift_job.graph(turned).output_names == ("scores", "mask")


@pytest.mark.parametrize(("each", "taken"), [(0.1, 16), (0.3, 8), (1.0, 2), (100.0, 2)])
def test_a_slow_model_is_looked_at_on_fewer_samples_by_its_own_work(monkeypatch, each, taken):
    spent, seen = [0.0], []
    monkeypatch.setattr(drift_job.time, "process_time", lambda: spent[0])
    for sample in drift_job._while_quick(iter([{}] * 16)):
        seen.append(sample)
        spent[0] += each
    assert len(seen) == taken
