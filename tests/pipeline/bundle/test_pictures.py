from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from converters.contract import Signature, TensorSpec
from pipeline.bundle.contents import ImageRules
from pipeline.bundle.pictures import TENSORS, tensor, write_pictures

GREY = ImageRules(20, 28, "grey")
RGB = ImageRules(9, 7, "rgb", dtype="uint8")


def signature(spec: TensorSpec) -> Signature:
    return Signature((spec,), (TensorSpec("logits", (1, 3), "float32", "NC"),))


NCHW = signature(TensorSpec("image", (None, 1, 28, 20), "float32", "NCHW", meaning="image"))
NHWC = signature(TensorSpec("image", (1, 7, 9, 3), "uint8", "NHWC", meaning="image"))


def test_pictures_have_what_image_code_gets_wrong(tmp_path: Path) -> None:
    told = {Path(one.file).name[3:]: one for one in write_pictures(tmp_path, {"image": GREY}, {"torch": NCHW})}
    opened = {name: Image.open(tmp_path / one.file) for name, one in told.items()}
    modes = {name: image.mode for name, image in opened.items()}
    assert modes == {
        "as-is.png": "RGB",
        "grey.png": "L",
        "alpha.png": "RGBA",
        "wide.png": "RGB",
        "dot.png": "RGB",
        "deep.png": "I;16",
        "turned.jpg": "RGB",
    }
    assert {name for name, one in told.items() if one.exact} == {"as-is.png", "grey.png", "alpha.png"}
    assert opened["wide.png"].size == (97, 41)
    assert opened["dot.png"].size == (1, 1)
    assert opened["turned.jpg"].getexif()[0x0112] == 6
    assert np.asarray(opened["alpha.png"])[..., 3].std() > 10
    assert len(np.unique(np.asarray(opened["deep.png"]) & 0xFF)) > 10, "the lower 8 bits say something too"


def test_each_framework_has_its_layout(tmp_path: Path) -> None:
    sources = {"torch": NCHW, "tensorflow": signature(TensorSpec("image", (1, 28, 20, 1), "float32", "NHWC"))}
    told = write_pictures(tmp_path, {"image": GREY}, sources)
    arrays = load_file(tmp_path / TENSORS)
    for one in told:
        torch, tensorflow = arrays[f"torch/{one.array}"], arrays[f"tensorflow/{one.array}"]
        assert torch.shape == (1, 1, 28, 20)
        assert np.array_equal(torch.transpose(0, 2, 3, 1), tensorflow)


def test_the_tensor_is_the_picture(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"image": RGB}, {"torch": NHWC})
    path = tmp_path / "golden/pictures/00-as-is.png"
    made = tensor(path, RGB, NHWC.inputs[0])
    assert made.dtype == np.uint8
    assert np.array_equal(made[0], np.asarray(Image.open(path)))


def test_a_range_of_values(tmp_path: Path) -> None:
    rules = ImageRules(9, 7, "rgb", value_range=(-1.0, 1.0))
    write_pictures(tmp_path, {"image": rules}, {"torch": NHWC})
    spec = TensorSpec("image", (1, 7, 9, 3), "float32", "NHWC")
    path = tmp_path / "golden/pictures/00-as-is.png"
    assert np.allclose(tensor(path, rules, spec)[0], np.asarray(Image.open(path)) / 127.5 - 1)


def test_the_same_rules_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_pictures(tmp_path / name, {"image": GREY}, {"torch": NCHW})
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.*") if p.is_file()} for n in ("one", "two"))
    assert one == two


def test_no_images_no_pictures(tmp_path: Path) -> None:
    assert write_pictures(tmp_path, {}, {"torch": NCHW}) == ()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(224, 224), (640, 480)])
def test_pictures_stay_small(tmp_path: Path, size: tuple[int, int]) -> None:
    spec = TensorSpec("image", (1, 3, size[1], size[0]), "float32", "NCHW")
    write_pictures(tmp_path, {"image": ImageRules(*size, "rgb")}, {"torch": signature(spec)})
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.*") if path.is_file()) < 5 << 20
