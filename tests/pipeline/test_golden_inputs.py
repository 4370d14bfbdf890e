from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from converters.contract import Signature, TensorSpec
from converters.errors import DataError
from pipeline.golden_inputs import (
    AT_LIMITS,
    LEAST,
    MOST,
    NO_LABEL,
    choose,
    choose_synthetic,
    golden_count,
    image_limits,
    in_stretches,
    select,
    synthesise,
)

RNG = np.random.default_rng(0)
IMAGE = TensorSpec("image", (1, 12, 20, 3), "float32", "NHWC", meaning="image")
VECTOR = TensorSpec("vector", (1, 7), "float32", "NC")
LOGITS = TensorSpec("logits", (1, 5), "float32", "NC", meaning="logits")
PIXELS = RNG.integers(60, 190, (500, 1, 12, 20, 3)).astype(np.float32)
LABELS = RNG.choice(5, 500, p=[0.6, 0.1, 0.1, 0.1, 0.1])


def test_classes_are_drawn_evenly_however_rare() -> None:
    counts = np.bincount(LABELS[select({"image": PIXELS}, LABELS, 100, 0)])
    assert counts.min() >= 17
    assert counts.max() <= 30


def test_the_extremes_of_the_data_are_in() -> None:
    pixels = PIXELS.copy()
    pixels[17], pixels[23], pixels[31], pixels[44] = 0, 255, 128, 255 * (np.indices((1, 12, 20, 3)).sum(axis=0) % 2)
    assert {17, 23, 31, 44} <= set(select({"image": pixels}, LABELS, 64, 0).tolist())


def test_the_same_seed_chooses_the_same_and_another_does_not() -> None:
    first, again, other = (select({"image": PIXELS}, LABELS, 64, seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_each_sample_once_in_order() -> None:
    chosen = select({"image": PIXELS}, None, 200, 0)
    assert len(chosen) == 200
    assert (np.diff(chosen) > 0).all()


def test_all_samples_where_there_are_few() -> None:
    assert select({"image": PIXELS[:9]}, None, 64, 0).tolist() == list(range(9))


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ({"image": PIXELS[:0]}, None, "at least one"),
        ({"image": PIXELS}, LABELS[:-1], "the same number of samples everywhere"),
        ({"image": PIXELS, "vector": np.zeros((499, 1, 7))}, None, "the same number of samples everywhere"),
        ({"image": np.full((4, 1, 2), np.nan)}, None, "`image` holds NaN or Inf"),
    ],
)
def test_data_that_cannot_be_chosen_from(inputs: dict, targets: np.ndarray | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        select(inputs, targets, 2, 0)


def test_chosen_images_end_with_the_limits_of_the_legal_range() -> None:
    chosen = choose({"image": PIXELS}, LABELS, Signature((IMAGE,), (LOGITS,)), 64, 0)
    made = chosen.index == AT_LIMITS
    assert len(chosen.index) == 64
    assert made.sum() == 8
    np.testing.assert_array_equal(chosen.inputs["image"][made], image_limits(IMAGE))
    np.testing.assert_array_equal(chosen.inputs["image"][~made], PIXELS[chosen.index[~made]])
    np.testing.assert_array_equal(chosen.label[~made], LABELS[chosen.index[~made]])
    assert (chosen.label[made] == NO_LABEL).all()
    assert chosen.inputs["image"].dtype == np.float32


def test_other_inputs_beside_an_image_stay_real() -> None:
    vectors = RNG.normal(size=(500, 1, 7)).astype(np.float32)
    chosen = choose({"image": PIXELS, "vector": vectors}, None, Signature((VECTOR, IMAGE), (LOGITS,)), 64, 0)
    assert {len(values) for values in chosen.inputs.values()} == {64}
    real = {row.tobytes() for row in vectors}
    assert all(row.tobytes() in real for row in chosen.inputs["vector"])


def test_without_images_or_labels_nothing_is_made_up() -> None:
    vectors = RNG.normal(size=(50, 1, 7)).astype(np.float32)
    chosen = choose({"vector": vectors}, None, Signature((VECTOR,), (LOGITS,)), 32, 0)
    assert (chosen.index >= 0).all()
    assert (chosen.label == NO_LABEL).all()


def test_few_real_images_are_all_taken() -> None:
    chosen = choose({"image": PIXELS[:10]}, LABELS[:10], Signature((IMAGE,), (LOGITS,)), 64, 0)
    assert sorted(chosen.index.tolist()) == [AT_LIMITS] * 8 + list(range(10))


def test_image_limits_are_different_pictures_within_the_range() -> None:
    for spec in (IMAGE, TensorSpec("image", (None, 3, 12, 20), "float32", "NCHW", meaning="image")):
        made = image_limits(spec)
        assert made.shape == (8, *(size or 1 for size in spec.shape))
        assert (made.min(), made.max()) == (0.0, 255.0)
        assert len(np.unique(made.reshape(8, -1), axis=0)) == 8


def test_gradients_run_along_height_and_width() -> None:
    down, right = image_limits(IMAGE)[4:6, 0, :, :, 0]
    assert (np.diff(down, axis=0) > 0).all()
    assert (np.diff(down, axis=1) == 0).all()
    assert (np.diff(right, axis=1) > 0).all()


def test_no_picture_without_height_and_width() -> None:
    with pytest.raises(DataError, match="layout 'NC' names no H and W"):
        image_limits(VECTOR)


@pytest.mark.parametrize(("one", "count"), [((1, 10), MOST), ((1, 1024, 1024, 3), LEAST), ((1, 128, 128, 3), 85)])
def test_large_samples_mean_fewer(one: tuple[int, ...], count: int) -> None:
    assert golden_count({"x": np.empty((1, *one), np.float32)}) == count


def test_synthesised_values_are_plausible() -> None:
    token = TensorSpec("token", (1, 6), "int32")
    flag = TensorSpec("flag", (None,), "bool")
    made = synthesise((IMAGE, VECTOR, token, flag), 64, 0)
    assert {name: values.shape for name, values in made.items()} == {
        "image": (64, 1, 12, 20, 3),
        "vector": (64, 1, 7),
        "token": (64, 1, 6),
        "flag": (64, 1),
    }
    assert made["image"].min() >= 0
    assert 200 < made["image"].max() <= 255
    assert abs(float(made["vector"].mean())) < 0.2
    assert set(np.unique(made["token"])) == {0, 1}
    assert made["flag"].dtype == bool
    assert 0.2 < made["flag"].mean() < 0.8
    assert all(values.dtype == spec.dtype for spec, values in zip((IMAGE, VECTOR, token), made.values(), strict=False))


def test_values_keep_within_the_limits_of_their_input() -> None:
    token = TensorSpec("token", (1, 60), "int64", limits=(3, 9))
    made = synthesise((token, replace(VECTOR, limits=(-2.0, -1.0)), replace(IMAGE, limits=(0.0, 1.0))), 64, 0)
    assert set(np.unique(made["token"])) == set(range(3, 10))
    assert (made["vector"] < -1.0).all()
    assert 0.8 < made["image"].max() <= 1.0
    assert image_limits(replace(IMAGE, limits=(0.0, 1.0))).max() == 1.0


def test_no_made_up_sample_comes_twice() -> None:
    token = TensorSpec("token", (1, 1), "int64", limits=(0, 19))
    chosen = choose_synthetic(Signature((token,), (LOGITS,)), 256, 0)
    assert sorted(chosen.inputs["token"].ravel()) == list(range(20))
    assert chosen.index.tolist() == list(range(20))


def test_a_type_without_plausible_values() -> None:
    with pytest.raises(DataError, match="no plausible values are known for complex64"):
        synthesise((TensorSpec("z", (1,), "complex64"),), 4, 0)


def test_a_model_without_data_gets_numbered_samples() -> None:
    signature = Signature((IMAGE, VECTOR), (LOGITS,))
    chosen, again = choose_synthetic(signature, 40, 5), choose_synthetic(signature, 40, 5)
    assert chosen.index.tolist() == list(range(40))
    assert (chosen.label == NO_LABEL).all()
    assert chosen.inputs["vector"].tobytes() == again.inputs["vector"].tobytes()


def test_stretches_last_for_several_samples_and_stay_within_their_limits() -> None:
    sound = TensorSpec("sound", (1, 3, 40), "float32", limits=(0.0, 26.0))
    made = in_stretches((sound,), 64, 3)["sound"]
    assert made.shape == (64, 1, 3, 40)
    assert made.dtype == np.float32
    assert 0 <= made.min() < made.max() <= 26
    near = np.abs(np.diff(made.mean(axis=(1, 2)), axis=0)).mean(axis=1)  # profiles of neighbours
    assert np.median(near) < 0.3 * near.max()


def test_stretches_of_one_value_and_without_limits_lie_within_2() -> None:
    made = in_stretches((TensorSpec("x", (1, 1), "float32"), TensorSpec("n", (1, 2), "int32")), 32, 0)
    assert -2 <= made["x"].min() < made["x"].max() <= 2
    assert set(np.unique(made["n"])) == {0, 1}


def test_the_same_seed_makes_the_same_stretches_and_another_does_not() -> None:
    first, again, other = (in_stretches((VECTOR,), 16, seed)["vector"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_stretches_of_single_numbers_and_of_pictures_without_limits():
    scalar = TensorSpec("s", (), "float32")
    picture = TensorSpec("x", (1, 3, 4, 5), "float32", "NCHW", meaning="image")
    made = in_stretches((scalar, picture), 20, 0)
    assert made["s"].shape == (20,)
    assert made["x"].max() > 2
    assert made["x"].min() >= 0
