"""One small network in both frameworks for whole runs: a ReLU6 that few inputs reach, two outputs of one shape."""

from __future__ import annotations

TORCH = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.deep = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.second = nn.Conv2d(8, 16, 1)
        self.second.weight.data *= 12
        self.left = nn.Linear(960, 5)
        self.right = nn.Linear(960, 5)

    def forward(self, picture):
        hidden = torch.relu(self.first(picture / 127.5 - 1))
        hidden = nn.functional.relu6(self.second(torch.relu(self.deep(hidden))))
        hidden = hidden.flatten(1)
        return {"left": self.left(hidden), "right": self.right(hidden)}


def build():
    return Net()
"""

KERAS = """
import keras
from keras import layers


def build():
    keras.utils.set_random_seed(5)
    picture = keras.Input((12, 20, 3), name="picture")
    hidden = layers.Rescaling(1 / 127.5, -1.0)(picture)
    hidden = layers.Conv2D(8, 3, 2, "same", activation="relu")(hidden)
    hidden = layers.DepthwiseConv2D(3, padding="same", activation="relu")(hidden)
    hidden = layers.Conv2D(16, 1, activation="relu6")(hidden)
    hidden = layers.Flatten()(hidden)
    heads = {name: layers.Dense(5, name=name)(hidden) for name in ("left", "right")}
    return keras.Model(picture, heads)
"""
