"""What tests ask of an ARM64 process, here so that it can import them."""

from __future__ import annotations

import ctypes
import platform

_HWCAP = 16
_DOT_PRODUCTS, _SVE = 1 << 20, 1 << 22


def features() -> tuple[str, bool, bool]:
    """The machine, and whether its CPU has dot products and SVE, as the kernels ask the C library."""
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.argtypes, getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong
    found = getauxval(_HWCAP)
    return platform.machine(), bool(found & _DOT_PRODUCTS), bool(found & _SVE)
