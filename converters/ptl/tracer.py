"""Looking inside a .ptl file: by the TorchScript code that lies in it beside the bytecode."""

from __future__ import annotations

import dataclasses

from converters.contract import Artifact, Format
from converters.torchscript import tracer


def open(artifact: Artifact) -> tracer.TorchScriptTracer:
    """Opens the archive for looking inside; ModelError where it cannot be read."""
    opened = tracer.open(artifact)
    opened.graph = dataclasses.replace(opened.graph, format=Format.PTL)
    return opened
