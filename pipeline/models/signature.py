"""What the reference models take and give."""

from __future__ import annotations

from converters.contract import Framework, Signature, TensorSpec


def reference_signature(framework: str, height: int, width: int, channels: int, classes: int) -> Signature:
    """`image` (NCHW for torch, NHWC for tensorflow) to `logits`, with a dynamic batch axis."""
    if Framework(framework) is Framework.TORCH:
        shape: tuple[int | None, ...] = (None, channels, height, width)
        layout = "NCHW"
    else:
        shape, layout = (None, height, width, channels), "NHWC"
    image = TensorSpec("image", shape, "float32", layout, meaning="image")
    return Signature((image,), (TensorSpec("logits", (None, classes), "float32", "NC", meaning="logits"),))
