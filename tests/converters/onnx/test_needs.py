from __future__ import annotations

import pytest
from onnx import helper

from converters.onnx.needs import needs


@pytest.mark.parametrize(
    ("opset", "form", "version", "because"),
    [
        (13, 7, "1.6.0", "opset 13"),
        (13, 10, "1.18.0", "IR 10"),
        (14, 8, "1.9.0", "IR 8"),
        (20, 8, "1.17.0", "opset 20"),
        (22, 10, "1.21.0", "opset 22"),
        (18, 11, "1.23.0", "IR 11"),
        (7, 3, "", ""),
        (999, 999, "", ""),
    ],
)
def test_a_file_needs_the_newer_of_its_opset_and_its_form(opset, form, version, because):
    model = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = form
    found = needs(model)
    assert (found.version, found.because) == (version, because)
