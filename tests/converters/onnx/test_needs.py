from __future__ import annotations

import pytest
from onnx import helper

from converters.onnx.needs import needs


@pytest.mark.parametrize(
    ("opset", "form", "version", "because"),
    [(13, 7, "1.6.0", "opset 13"), (13, 10, "1.18.0", "IR 10"), (20, 8, "1.17.0", "opset 20"), (999, 999, "", "")],
)
def test_a_file_needs_the_newer_of_its_opset_and_its_form(opset, form, version, because):
    model = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = form
    found = needs(model)
    assert (found.version, found.because) == (version, because)
