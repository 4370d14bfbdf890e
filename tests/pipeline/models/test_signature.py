from __future__ import annotations

from pipeline.models.signature import reference_signature


def test_each_framework_has_its_layout() -> None:
    torch, keras = (reference_signature(name, 20, 33, 3, 7) for name in ("torch", "tensorflow"))
    assert (torch.inputs[0].shape, torch.inputs[0].layout) == ((None, 3, 20, 33), "NCHW")
    assert (keras.inputs[0].shape, keras.inputs[0].layout) == ((None, 20, 33, 3), "NHWC")
    assert torch.outputs == keras.outputs
    assert [(s.name, s.meaning, s.dtype) for s in (*torch.inputs, *torch.outputs)] == [
        ("image", "image", "float32"),
        ("logits", "logits", "float32"),
    ]
