"""What `dexdump` says of an APK's classes: the native methods that they declare, by the names that a library binds."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"^ +(name|type|access) +: (?:'(.*)'|0x[0-9a-f]+ \((.*)\))$")
_CLASS = re.compile(r"^ +Class descriptor +: '(.*)'$")


@dataclass(frozen=True)
class NativeMethod:
    """A declared native method; `overloaded` where its class declares another of that name."""

    owner: str  # org/bytedeco/javacpp/Pointer
    name: str
    type: str  # (J)V
    overloaded: bool = False

    def symbols(self) -> tuple[str, ...]:
        """The names under which the virtual machine looks for it, the short one first.

        Of overloaded methods only the long one is free of doubt. JNI specification, "Resolving Native Method Names".
        """
        short = f"Java_{mangled(self.owner)}_{mangled(self.name)}"
        long = f"{short}__{mangled(self.type[1 : self.type.index(')')])}"
        return (long,) if self.overloaded else (short, long)


def mangled(text: str) -> str:
    """A name of the virtual machine as part of a name in C."""
    return "".join(_mangled(char) for char in text)


def _mangled(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    special = {"/": "_", "_": "_1", ";": "_2", "[": "_3"}
    return special.get(char) or "".join(f"_0{unit:04x}" for unit in _utf16(char))


def _utf16(char: str) -> Iterator[int]:
    data = char.encode("utf-16-be")
    return (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def dump(apk: Path) -> str:
    """What `dexdump` prints of every classes*.dex of an APK; it checks their checksums first.

    Raises:
        RuntimeError: it refuses one.
    """
    done = subprocess.run(["dexdump", str(apk)], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"dexdump refuses {apk.name}: {done.stderr.strip()[-400:]}")
    return done.stdout


def native_methods(lines: Iterable[str]) -> list[NativeMethod]:
    """The native methods in what `dexdump` printed."""
    found: list[NativeMethod] = []
    owner, name, kind = "", "", ""
    for line in lines:
        if match := _CLASS.match(line):
            owner = match[1].removeprefix("L").removesuffix(";")
        elif match := _LINE.match(line):
            name = match[2] if match[1] == "name" else name
            kind = match[2] if match[1] == "type" else kind
            if match[1] == "access" and "NATIVE" in match[3].split():
                found.append(NativeMethod(owner, name, kind))
    times = Counter((method.owner, method.name) for method in found)
    return [NativeMethod(m.owner, m.name, m.type, times[m.owner, m.name] > 1) for m in found]


def classes(lines: Iterable[str]) -> set[str]:
    """The classes in what `dexdump` printed, as `org/bytedeco/javacpp/Pointer`."""
    matches = (_CLASS.match(line) for line in lines)
    return {match[1].removeprefix("L").removesuffix(";") for match in matches if match}
