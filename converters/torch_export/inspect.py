"""What an exported program says of itself, operator by operator, without running it."""

from __future__ import annotations

from pathlib import Path

from converters.contract import Format
from converters.inspection import Inspection, inspection_of
from converters.model_files import pt2
from converters.torch_export.program import Program


def inspect(path: Path) -> Inspection:
    """Tensors, operators, signature and canonical hash of the program at `path`. A size that is open is -1.

    Raises:
        ModelError: damaged, or it could run code.
        UnsupportedError: an input or output is no tensor.
    """
    program = pt2.load(Path(path))
    signature = pt2.signature(program)
    names = [spec.name for spec in signature.inputs], [spec.name for spec in signature.outputs]
    return inspection_of(Program(program, Format.PT2, *names).graph, signature)
