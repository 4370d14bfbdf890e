"""The GPUs that a Vulkan loader finds, asked in a child process: drivers crash, hang and write where they like.

Run as a program it asks the loader itself (Vulkan 1.0, by ctypes) and prints one line of JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LOADER = "libvulkan.so.1"
DRIVER_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
"""Where a user names the drivers' JSON files himself; the older name has less say."""
TIMEOUT_S = 20.0
PROGRAM = Path(__file__)
KINDS = ("other", "integrated", "discrete", "virtual", "software")
"""By VkPhysicalDeviceType."""

_NO_DRIVER = -9  # VK_ERROR_INCOMPATIBLE_DRIVER
_MARK = "vulkan:"
_NVIDIA = 0x10DE
_SAID = re.compile(r"^(?:ERROR|WARNING)[ :|].*?(?:Code -?\d+ ?: ?)?(\w+: .*)$", re.MULTILINE)
_PROPERTIES = struct.Struct("<IIIII256s")  # the head of VkPhysicalDeviceProperties


@dataclass(frozen=True)
class Gpu:
    """A physical device as its driver names it; `kind` is one of KINDS."""

    name: str
    kind: str
    driver: str


@dataclass(frozen=True)
class Found:
    """What the loader answered: GPUs, or what is wrong."""

    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    loader: bool = True


def probe(env: Mapping[str, str]) -> Found:
    """The GPUs of this machine for a process with these variables beside its own; asked once a process."""
    names = ("LD_LIBRARY_PATH", *DRIVER_VARIABLES)
    return _probe(tuple((name, env.get(name, os.environ.get(name, ""))) for name in names))


@cache
def _probe(variables: tuple[tuple[str, str], ...]) -> Found:
    quiet = {"VK_LOADER_DEBUG": "error,warn", "VK_LOADER_LAYERS_DISABLE": "~all~"}
    env = {**{k: v for k, v in os.environ.items() if k not in dict(variables)}, **quiet}
    env |= {name: value for name, value in variables if value}
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT_S, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Found(problem=f"the Vulkan driver did not answer within {TIMEOUT_S:.0f} s")
    except OSError as error:
        return Found(problem=f"the Vulkan loader cannot be asked: {error}")
    answer = next((line for line in done.stdout.splitlines() if line.startswith(_MARK)), "")
    if not answer:
        how = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
        return Found(problem=f"the Vulkan driver died of {how} when it was asked for its devices")
    said = json.loads(answer.removeprefix(_MARK))
    gpus = tuple(Gpu(**gpu) for gpu in said["gpus"])
    problem = said["problem"]
    if problem and said["loader"]:
        words = list(dict.fromkeys(_SAID.findall(done.stderr)))
        problem += f" ({'; '.join(words[:2])})" if words else ""
    return Found(gpus, problem, said["loader"])


class _InstanceInfo(ctypes.Structure):
    _fields_ = (
        ("sType", ctypes.c_uint32),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.c_void_p),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    )


def ask() -> dict[str, Any]:
    """What this process's own loader finds, JSON-able."""
    try:
        vulkan = ctypes.CDLL(LOADER)
    except OSError as error:
        return {"gpus": [], "problem": f"no Vulkan loader ({error})", "loader": False}
    instance = ctypes.c_void_p()
    result = vulkan.vkCreateInstance(ctypes.byref(_InstanceInfo(sType=1)), None, ctypes.byref(instance))
    if result:
        why = "the Vulkan loader finds no driver" if result == _NO_DRIVER else f"vkCreateInstance fails with {result}"
        return {"gpus": [], "problem": why, "loader": True}
    count = ctypes.c_uint32()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    handles = (ctypes.c_void_p * count.value)()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    gpus = [_describe(vulkan, ctypes.c_void_p(handle)) for handle in handles[: count.value]]
    return {"gpus": gpus, "problem": "" if gpus else "the Vulkan driver has no device", "loader": True}


def _describe(vulkan: Any, handle: ctypes.c_void_p) -> dict[str, str]:
    properties = ctypes.create_string_buffer(4096)  # the structure has 824 bytes
    vulkan.vkGetPhysicalDeviceProperties(handle, properties)
    _, driver, vendor, _, kind, name = _PROPERTIES.unpack_from(properties.raw)
    return {
        "name": name.split(b"\0")[0].decode(errors="replace"),
        "kind": KINDS[kind] if kind < len(KINDS) else KINDS[0],
        "driver": _version(driver, vendor),
    }


def _version(number: int, vendor: int) -> str:
    """The driver's version as its maker writes it: NVIDIA packs 10.8.8.6 bits, others as Vulkan does."""
    if vendor == _NVIDIA:
        return f"{number >> 22}.{number >> 14 & 0xFF}.{number >> 6 & 0xFF}"
    return f"{number >> 22}.{number >> 12 & 0x3FF}.{number & 0xFFF}"


if __name__ == "__main__":
    sys.stdout.write(f"\n{_MARK}{json.dumps(ask())}\n")
    sys.stdout.flush()
    os._exit(0)  # some drivers die while they are unloaded
