"""Which of LiteRT's own kernels take a file that was made, before anybody else is given it."""

from __future__ import annotations

from typing import Any

import numpy as np


def resolvers() -> tuple[Any, ...]:
    """LiteRT's kernels: those that define what is right, the fast ones, and those without XNNPACK."""
    from ai_edge_litert.interpreter import OpResolverType

    return OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def runs(content: bytes, kernels: Any) -> bool:
    """Whether LiteRT's kernels take the file and run it once, on zeros."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels, num_threads=1)
        interpreter.allocate_tensors()
        for row in interpreter.get_input_details():
            interpreter.set_tensor(row["index"], np.zeros(row["shape"], row["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return False
    return True
