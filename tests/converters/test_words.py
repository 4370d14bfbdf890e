from __future__ import annotations

import pytest

from converters.words import is_refusal, last_words

KERAS = (
    "in user code:\n\n    File 'a.py', line 1, in serve\n\n"
    "    ValueError: Exception encountered when calling Dense.call().\n"
    "    \n    \x1b[1m'Größe' is not a valid scope name.\x1b[0m\n    \n    Arguments received by Dense.call():\n"
    "      • training=False\n"
)
FX = (
    "Lowering not found: aten._trilinear.default\n\nWhile executing %t : [num_users=1] = call_function[target=t]()\n"
    'Original traceback:\nFile "a.py", line 5, in forward\nUse tlparse to see full graph. (https://x/tlparse)'
)
ATEN = (
    '\nOperator torch._ops.aten._trilinear.default is not in Core ATen opset (https://x)."\n'
    "There are a few things to try:\n1. You can\n3. If the error persists after 2, this is likely\n"
)
EXPORT = (
    "Could not guard on data-dependent expression Eq(u0, 1) (unhinted).\n\nThe error above occurred when calling "
    "torch.export.export. If you would like to view some more information about this error, use draft_export()."
)
COREML = "Conversion for TF op 'Erfc' not implemented.\n \nname: \"e\"\nattr {\n value {\n  type: DT_FLOAT\n }\n}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\nconversion failed: no kernel\nsee the log", "ValueError: conversion failed: no kernel"),
        ("one\ntwo", "ValueError: two"),
        ("...\n", "ValueError"),
        (FX, "ValueError: Lowering not found: aten._trilinear.default"),
        (ATEN, 'ValueError: Operator torch._ops.aten._trilinear.default is not in Core ATen opset (https://x)."'),
        (COREML, "ValueError: Conversion for TF op 'Erfc' not implemented."),
        (KERAS, "ValueError: 'Größe' is not a valid scope name."),
        (
            EXPORT,
            "ValueError: Could not guard on data-dependent expression Eq(u0, 1) (unhinted). (the model branches on "
            "values, which a graph cannot hold)",
        ),
    ],
)
def test_the_line_that_says_most(text: str, said: str) -> None:
    assert last_words(ValueError(text)) == said


def test_a_long_line_is_cut() -> None:
    assert len(last_words(ValueError("x" * 9999))) < 600


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (NotImplementedError(), True),
        (ValueError("Op SVD is not supported"), True),
        (ValueError(KERAS), True),
        (ValueError(FX), True),
        (ValueError(ATEN), True),
        (ValueError("shape mismatch"), False),
    ],
)
def test_what_is_a_refusal(error: Exception, refused: bool) -> None:
    assert is_refusal(error) is refused


def test_an_error_that_nobody_meant_to_raise_tells_where_it_arose():
    def annotate(nodes):
        return nodes[1]

    with pytest.raises(IndexError) as caught:
        annotate([])
    assert last_words(caught.value) == "IndexError: list index out of range (arose in annotate)"
