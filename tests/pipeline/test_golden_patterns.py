from __future__ import annotations

from dataclasses import replace

import numpy as np

from converters.contract import TensorSpec
from pipeline.golden_patterns import bred, legal_ranges, made_up, of_every_kind

RNG = np.random.default_rng(0)
IMAGE = TensorSpec("image", (1, 8, 10, 3), "float32", "NHWC", meaning="image")
TOKEN = TensorSpec("token", (1, 6), "int64")
MASK = TensorSpec("mask", (1, 6), "bool")
SOUND = TensorSpec("sound", (400,), "float32")
SPECS = (IMAGE, TOKEN, MASK, SOUND)
REAL = {
    "image": RNG.integers(60, 200, (20, 1, 8, 10, 3)).astype(np.float32),
    "token": RNG.integers(5, 90, (20, 1, 6)),
    "mask": RNG.random((20, 1, 6)) < 0.7,
    "sound": RNG.normal(size=(20, 400)).astype(np.float32),
}
LEGAL = legal_ranges(SPECS, REAL)


def test_legal_is_what_is_said_else_pixels_else_what_the_data_shows() -> None:
    assert LEGAL["image"] == (0, 255)
    assert LEGAL["token"] == (REAL["token"].min(), REAL["token"].max())
    limited = legal_ranges((replace(SOUND, limits=(-8.0, 1.0)),), REAL)["sound"]
    assert limited == (-8, REAL["sound"].max())  # real values widen what was said


def test_made_up_samples_are_legal_and_of_the_type_of_their_input() -> None:
    for made in (made_up(SPECS, LEGAL, REAL, 80, 0), bred(SPECS, LEGAL, REAL, 80, 0)):
        for spec in SPECS:
            values = made[spec.name]
            assert values.shape == (80, *REAL[spec.name].shape[1:])
            assert values.dtype == spec.dtype
            low, high = LEGAL[spec.name]
            assert low <= values.min() <= values.max() <= high
        assert (made["image"] == np.rint(made["image"])).all()


def test_both_ends_of_every_range_are_reached() -> None:
    made = made_up(SPECS, LEGAL, REAL, 80, 0)
    for spec in SPECS:
        assert (made[spec.name].min(), made[spec.name].max()) == LEGAL[spec.name]


def test_at_least_one_input_of_each_sample_is_made_up() -> None:
    specs = (IMAGE, SOUND)
    made = made_up(specs, LEGAL, REAL, 40, 0)
    real = {spec.name: {row.tobytes() for row in REAL[spec.name]} for spec in specs}
    kept = [[made[name][i].tobytes() in real[name] for name in real] for i in range(40)]
    assert not any(map(all, kept))
    assert any(map(any, kept))


def test_the_same_seed_makes_the_same() -> None:
    first, again, other = (made_up(SPECS, LEGAL, REAL, 30, seed) for seed in (1, 1, 2))
    assert all(first[name].tobytes() == again[name].tobytes() for name in REAL)
    assert any(first[name].tobytes() != other[name].tobytes() for name in REAL)


def test_children_hold_parts_of_both_parents() -> None:
    parents = {"image": np.stack([np.zeros((1, 8, 10, 3)), np.full((1, 8, 10, 3), 255)]).astype(np.float32)}
    children = bred((IMAGE,), LEGAL, parents, 40, 0)["image"]
    shares = (children == 255).mean(axis=(1, 2, 3, 4))
    assert ((shares > 0.1) & (shares < 0.9)).any()


def test_what_nobody_gives_data_for_is_of_every_kind_and_legal():
    specs = (
        TensorSpec("x", (1, 3, 16, 18), "float32", "NCHW", meaning="image", limits=(-1.0, 1.0)),
        TensorSpec("ids", (4,), "int64", limits=(0.0, 9.0)),
        TensorSpec("on", (2,), "bool"),
        TensorSpec("gain", (), "float32"),
    )
    made = of_every_kind(specs, 60, 0)
    assert {name: values.shape for name, values in made.items()} == {
        "x": (60, 1, 3, 16, 18),
        "ids": (60, 4),
        "on": (60, 2),
        "gain": (60,),
    }
    assert -1 <= made["x"].min() < made["x"].max() <= 1
    assert set(np.unique(made["ids"])) <= set(range(10))
    steps = np.abs(np.diff(made["x"], axis=-1)).mean(axis=(1, 2, 3, 4))
    assert steps.min() < 0.05 < 0.5 < steps.max()
    np.testing.assert_array_equal(of_every_kind(specs, 60, 0)["x"], made["x"])
