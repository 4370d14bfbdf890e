"""A toolkit that fails on purpose: its converters crash, hang, eat memory or break their contract.

Registered through EDGE_EXPORT_TOOLKITS, as a toolkit that is being written is. Each edge leads from a source model
to ONNX under a toolkit name of its own, so that each is a route beside the real one.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import time
from pathlib import Path

from converters.contract import ConversionRequest, Edge, Format, Precision, Signature
from converters.errors import UnsupportedError

FAULTS = ("segfault", "hang", "memory", "refuse", "raise", "nothing", "diskfull", "fake")

EDGES = tuple(
    Edge(
        name=f"faulty_{fault}",
        toolkit=f"faulty{fault}",
        module="faulty_toolkit",
        source=Format.TORCH,
        target=Format.ONNX,
        precisions=(Precision.FP32,),
        worker=f"faulty-{fault}",
        packages=("numpy",),
    )
    for fault in os.environ.get("FAULTY_TOOLKIT", "").split(",")
    if fault
)


def faulty_segfault(request: ConversionRequest) -> Signature:
    sys.stderr.write("about to read address zero\n")
    faulthandler._sigsegv()
    return request.source.signature


def faulty_hang(request: ConversionRequest) -> Signature:
    time.sleep(3600)
    return request.source.signature


def faulty_memory(request: ConversionRequest) -> Signature:
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1) * (64 << 20)))


def faulty_refuse(request: ConversionRequest) -> Signature:
    raise UnsupportedError("operator FancyAttention is not known to this toolkit")


def faulty_raise(request: ConversionRequest) -> Signature:
    raise ZeroDivisionError("a bug in the toolkit")


def faulty_nothing(request: ConversionRequest) -> Signature:
    return request.source.signature


def faulty_diskfull(request: ConversionRequest) -> Signature:
    Path("/dev/full").write_bytes(b"x" * 100_000)
    return request.source.signature


def faulty_fake(request: ConversionRequest) -> Signature:
    request.target.write_bytes(b"not an onnx file at all" * 100)
    return request.source.signature


def faulty_import(request: ConversionRequest) -> Signature:
    import no_such_toolkit.inside

    return no_such_toolkit.inside


def burn(gibibytes: float) -> None:
    """For Worker tests: takes memory and keeps it."""
    hoard = bytearray(int(gibibytes * 2**30))
    hoard[::4096] = b"x" * len(hoard[::4096])
    time.sleep(60)
