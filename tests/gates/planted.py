"""Faults to plant into .tflite files. Each function changes the file in place and returns the operator's place.

None where the file has nothing for it, -1 where the fault has no layer. Each is given a generator of random numbers,
and plants the same for the same seed.
"""

from __future__ import annotations

from gates.flat_edit import Planter
from gates.planted_constants import CONSTANTS
from gates.planted_structure import STRUCTURE

FAULTS: dict[str, Planter] = {**CONSTANTS, **STRUCTURE}
