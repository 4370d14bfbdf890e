"""The oldest ONNX Runtime that opens an ONNX file, by its opset and the version of its form.

From the compatibility table of ONNX Runtime's documentation and the ONNX releases that it was built with since; what
came later tells nothing. The newest form that it opens is that of the ONNX release that it is built with.
"""

from __future__ import annotations

import onnx
from onnx.helper import VERSION_TABLE

from converters.inspection import Needs

_OPSETS = {8: "0.2.0", 9: "0.3.0", 10: "0.4.0", 11: "1.0.0", 12: "1.3.0", 13: "1.6.0", 14: "1.8.0", 15: "1.9.0"}
_OPSETS |= {16: "1.11.0", 17: "1.12.0", 18: "1.14.0", 19: "1.15.0", 20: "1.17.0", 21: "1.18.0", 22: "1.21.0"}
_OPSETS |= {23: "1.23.0", 24: "1.24.0"}
_FORMS: dict[int, str] = {}
"""By `ir_version`."""
for _release in VERSION_TABLE:  # the oldest ONNX release first
    _form, _newest = int(_release[1]), int(_release[2])
    _FORMS.setdefault(_form, _OPSETS.get(_newest, ""))


def needs(model: onnx.ModelProto) -> Needs:
    """What the file needs; ONNX files claim nothing beside it."""
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    asked = ((_OPSETS.get(opset, ""), f"opset {opset}"), (_FORMS.get(model.ir_version, ""), f"IR {model.ir_version}"))
    version, because = max(asked, key=lambda one: tuple(map(int, one[0].split("."))) if one[0] else (-1,))
    return Needs("ONNX Runtime", version, because if version else "")
