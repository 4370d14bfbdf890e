"""Small models saved whole, as their frameworks save them, with two inputs and two outputs each."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def pt2(folder: Path, name: str = "net.pt2") -> Path:
    """image (b, 3, 8, 10) and scale (b, 1) in, {logits (b, 5), feat (b, 4)} out; the batch is open."""
    import torch

    batch = torch.export.Dim("batch")
    example = torch.ones(2, 3, 8, 10), torch.ones(2, 1)
    program = torch.export.export(torch_net(), example, dynamic_shapes=({0: batch}, {0: batch}))
    torch.export.save(program, str(folder / name))
    return folder / name


def torch_net() -> Any:
    """The nn.Module of `pt2`."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3)
            self.head = nn.Linear(4 * 6 * 8, 5)

        def forward(self, image: torch.Tensor, scale: torch.Tensor) -> dict[str, torch.Tensor]:
            x = torch.relu(self.stem(image))
            return {"logits": self.head(x.flatten(1)) * scale, "feat": x.mean((2, 3))}

    torch.manual_seed(0)
    return Net().eval()


def keras_model() -> Any:
    """image (b, 8, 10, 3) and extra (b, 5) in, cls (b, 3) and side (b, 2) out."""
    import keras

    keras.utils.set_random_seed(0)
    image, extra = keras.Input((8, 10, 3), name="image"), keras.Input((5,), name="extra")
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    first = keras.layers.Dense(3, name="cls")(keras.layers.Concatenate()([x, extra]))
    second = keras.layers.Dense(2, activation="softmax", name="side")(extra)
    return keras.Model([image, extra], [first, second])


def keras_file(folder: Path, name: str = "two.keras") -> Path:
    """`keras_model` as .keras or .h5."""
    keras_model().save(str(folder / name))
    return folder / name


def lambda_file(folder: Path, name: str = "lambda.keras") -> Path:
    """A Keras file with a layer that is code."""
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2, name="doubled")])
    model.save(str(folder / name))
    return folder / name


def saved_model(folder: Path, kind: str = "plain") -> Path:
    """A SavedModel whose serving signature is one of the functions below."""
    import tensorflow as tf

    class Plain(tf.Module):
        """zeta (b, 3) float, alpha (b, 3) int32 and mask (b,) bool in; z (b, 4) and a (b, 4) out."""

        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.random.stateless_normal((3, 4), seed=(1, 2)))

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 3], tf.float32, name="zeta"),
                tf.TensorSpec([None, 3], tf.int32, name="alpha"),
                tf.TensorSpec([None], tf.bool, name="mask"),
            ]
        )
        def serve(self, zeta: Any, alpha: Any, mask: Any) -> Any:
            y = zeta @ self.w
            total = tf.cast(tf.reduce_sum(alpha, 1, keepdims=True), tf.float32)
            return {"z": y, "a": tf.where(mask[:, None], y, 0.0) + total}

    class Counter(tf.Module):
        """x (1, 3) in; the running sum (1, 3) out."""

        def __init__(self) -> None:
            super().__init__()
            self.total = tf.Variable(tf.zeros((1, 3)))

        @tf.function(input_signature=[tf.TensorSpec([1, 3], tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            self.total.assign_add(x)
            return {"sum": self.total * 2.0}

    class Python(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 3], tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            return {"y": tf.numpy_function(lambda value: value * 2, [x], tf.float32)}

    class Text(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1], tf.string, name="text")])
        def serve(self, text: Any) -> Any:
            return {"y": tf.strings.length(text)}

    made = {"plain": Plain, "counter": Counter, "python": Python, "text": Text}[kind]()
    tf.saved_model.save(made, str(folder / kind), signatures=made.serve)
    return folder / kind


def counting_script(path: Path) -> Path:
    """A TorchScript whose answer holds the sum of all that it was given before."""
    import torch

    class Counts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = torch.zeros(1, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen = self.seen + x
            return self.seen

    torch.jit.save(torch.jit.script(Counts()), str(path))
    return path
