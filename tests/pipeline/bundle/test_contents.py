from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sample_bundle

from converters.contract import TensorSpec
from converters.errors import ContractError, DataError, ModelError
from pipeline.bundle import ImageRules, has_image_rules, image_rules


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((1, 1, 28, 20), "NCHW", (20, 28, "grey")),
        ((None, 28, 20, 3), "NHWC", (20, 28, "rgb")),
        ((28, 20), "HW", (20, 28, "grey")),
    ],
)
def test_rules_are_read_from_the_layout(
    shape: tuple[int | None, ...], layout: str, expected: tuple[int, int, str]
) -> None:
    rules = image_rules(TensorSpec("image", shape, "float32", layout))
    assert (rules.width, rules.height, rules.colour) == expected
    assert rules.value_range == (0.0, 255.0)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((1, 10), "NC"), ((1, 2, 8, 8), "NCHW"), ((1, 1, None, 8), "NCHW"), ((1, 1, 8, 8), "")],
)
def test_what_is_no_image(shape: tuple[int | None, ...], layout: str) -> None:
    with pytest.raises(ModelError, match="input 'x' .* is no image with fixed H and W, 1 or 3 channels and raw"):
        image_rules(TensorSpec("x", shape, "float32", layout))


def test_an_input_that_is_no_raw_pixels() -> None:
    spec = TensorSpec("x", (1, 3, 8, 9), "float32", "NCHW", limits=(0.0, 1.0))
    assert not has_image_rules(spec)
    assert has_image_rules(replace(spec, limits=(0.0, 255.0)))


def test_an_unknown_colour() -> None:
    with pytest.raises(ContractError, match="colour 'cmyk' is none of grey, rgb"):
        ImageRules(8, 8, "cmyk")


def test_one_bundle_holds_one_model(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path)
    other = sample_bundle.artifact(made.artifacts[0].path, model="other")
    with pytest.raises(ContractError, match="a bundle holds one model, got fashion-cnn, other"):
        sample_bundle.contents(tmp_path, artifacts=[made.artifacts[0], other])
    with pytest.raises(ContractError, match="two artifacts of one name"):
        sample_bundle.contents(tmp_path, artifacts=[made.artifacts[0]] * 2)


@pytest.mark.parametrize("label", ["", "a\nb", "a\u2028b", " "])
def test_a_label_is_a_line(tmp_path: Path, label: str) -> None:
    with pytest.raises(DataError, match=r"does not fit on a line of labels.txt"):
        sample_bundle.contents(tmp_path, labels=("a", label))
