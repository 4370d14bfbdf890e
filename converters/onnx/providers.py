"""What computes an ONNX file: the CPU, or the GPU that a runtime's name says, never quietly another."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from converters.device import split_name
from converters.devices.onnx_gpu import PROVIDERS, WEBGPU_PROVIDER
from converters.errors import UnavailableError

CPU = "CPUExecutionProvider"
GPU, STRICT = "onnxruntime-gpu", "strict"
REFUSED = "fallback to CPU EP has been explicitly disabled"
"""What ONNX Runtime says where a strict session would leave nodes to the CPU."""
_TRUE_FLOAT32 = {CPU: {}, "CUDAExecutionProvider": {"use_tf32": "0"}}  # by default CUDA rounds factors to 10 bits


def provider_of(runtime: str) -> str:
    """ONNX Runtime's name of what a runtime computes with."""
    family, options = split_name(runtime)
    return PROVIDERS.get(options[0] if options else "", WEBGPU_PROVIDER) if family == GPU else CPU


def load(path: Path, options: Any, runtime: str) -> Any:
    """An `onnxruntime.InferenceSession`; on a GPU the CPU takes what that cannot, except in strict mode.

    Raises:
        UnavailableError: ONNX Runtime does not reach the GPU.
    """
    provider = provider_of(runtime)
    if STRICT in split_name(runtime)[1]:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if provider == WEBGPU_PROVIDER:
        options.add_provider_for_devices(_webgpu(), {})
        session = onnxruntime.InferenceSession(path, options, enable_fallback=0)
    else:
        choice = [(provider, _TRUE_FLOAT32.get(provider, {}))]
        session = onnxruntime.InferenceSession(path, options, providers=choice, enable_fallback=0)
    if provider not in session.get_providers():
        raise UnavailableError(
            f"{runtime}: ONNX Runtime {onnxruntime.__version__} does not load {provider}, it has "
            f"{', '.join(session.get_providers())}; see whether the GPU's driver and libraries are installed"
        )
    return session


@cache
def _webgpu() -> list[Any]:
    """The device of the WebGPU plug-in, which chooses the physical GPU by itself."""
    try:
        import onnxruntime_ep_webgpu as plugin
    except ImportError as error:
        raise UnavailableError("the WebGPU plug-in is not here: pip install onnxruntime-ep-webgpu") from error
    with contextlib.suppress(ort.Fail):  # registered already, by another session's failed attempt
        onnxruntime.register_execution_provider_library("webgpu", plugin.get_library_path())
    found = [device for device in onnxruntime.get_ep_devices() if device.ep_name == plugin.get_ep_name()]
    if not found:
        raise UnavailableError("ONNX Runtime's WebGPU plug-in finds no GPU; see `edge-export devices`")
    return found[:1]
