"""The oldest ONNX Runtime that opens an ONNX file, by its opset and the version of its form.

From the compatibility table of ONNX Runtime's documentation; what came later than it tells nothing.
"""

from __future__ import annotations

import onnx

from converters.inspection import Needs

_OPSETS = {8: "0.2.0", 9: "0.3.0", 10: "0.4.0", 11: "1.0.0", 12: "1.3.0", 13: "1.6.0", 14: "1.8.0", 15: "1.9.0"}
_OPSETS |= {16: "1.11.0", 17: "1.12.0", 18: "1.14.0", 19: "1.15.0", 20: "1.17.0", 21: "1.18.0"}
_FORMS = {5: "0.4.0", 6: "1.0.0", 7: "1.4.0", 8: "1.10.0", 9: "1.15.0", 10: "1.18.0"}
"""By `ir_version`."""


def needs(model: onnx.ModelProto) -> Needs:
    """What the file needs; ONNX files claim nothing beside it."""
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    asked = ((_OPSETS.get(opset, ""), f"opset {opset}"), (_FORMS.get(model.ir_version, ""), f"IR {model.ir_version}"))
    version, because = max(asked, key=lambda one: tuple(map(int, one[0].split("."))) if one[0] else (-1,))
    return Needs("ONNX Runtime", version, because if version else "")
