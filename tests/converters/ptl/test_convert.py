from __future__ import annotations

from collections.abc import Callable

import pytest
from tiny_models import MODELS

from converters.contract import Artifact, Format
from converters.errors import UnsupportedError
from converters.sniff import sniff

pytestmark = pytest.mark.torch


def test_the_file_holds_bytecode_and_the_source_s_signature(mobile: Callable[..., Artifact]) -> None:
    made = mobile("torch_two_in_two_out")
    assert sniff(made.path) is Format.PTL
    assert made.signature == MODELS["torch_two_in_two_out"].signature


def test_optimising_for_mobile_is_refused_in_pytorch_s_words(mobile: Callable[..., Artifact], tmp_path) -> None:
    with pytest.raises(UnsupportedError, match=r"optimize_for_mobile: Mobile optimization only available with XNNPACK"):
        mobile("torch_conv", optimize=True)
    assert not list(tmp_path.glob("*.ptl"))
