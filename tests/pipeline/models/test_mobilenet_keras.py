from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(("height", "width", "channels"), [(28, 28, 1), (20, 33, 3), (8, 8, 1), (97, 70, 3)])
def test_any_size_gives_logits(height: int, width: int, channels: int) -> None:
    from pipeline.models.mobilenet_keras import build

    model = build(height, width, channels, 7)
    assert tuple(model(np.zeros((2, height, width, channels), np.float32)).shape) == (2, 7)


def test_names_are_those_of_the_contract() -> None:
    from pipeline.models.mobilenet_keras import build

    model = build(28, 28, 1, 10)
    assert ([i.name for i in model.inputs], model.output_names) == (["image"], ["logits"])


def test_scaling_is_inside_the_model_and_not_in_its_weights() -> None:
    from pipeline.models.mobilenet_keras import build

    model = build(8, 8, 3, 2, mean=[0.1, 0.2, 0.3], std=[0.5])
    normalize = model.get_layer("normalize")
    found = np.asarray(normalize(np.full((1, 8, 8, 3), 51.0, np.float32)))[0, 0, 0]
    np.testing.assert_allclose(found, [0.2, 0.0, -0.2], atol=1e-6)
    assert not normalize.weights
