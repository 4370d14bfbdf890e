from __future__ import annotations

from converters.devices import cache
from converters.onnx_tf.devices import devices


def test_a_toolchain_that_is_not_made_says_what_makes_it(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    (device,) = devices()
    assert device.missing == "toolchain onnx_tf: it is not there"
    assert device.remedy == "edge-export toolchains build onnx_tf"
