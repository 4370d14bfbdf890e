"""What our classes ask of Android that came after the oldest one that the app promises.

`dexdump -d` prints every call and field access; class files of Robolectric's builds of Android say what each has.
Lint's NewApi of Google's SDK would see the same, and cannot be had here. Of Java's own classes the compiler takes care.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

OURS = "classes.dex"
"""Where `package.sh` puts our own classes; those of others guard themselves."""
SYSTEM = "android/"
_CLASS = re.compile(r"^ +Class descriptor +: 'L(.*);'$")
_SUPER = re.compile(r"^ +Superclass +: 'L(.*);'$")
_INTERFACE = re.compile(r"^ +#\d+ +: 'L(.*);'$")
_NAME = re.compile(r"^ +name +: '(.*)'$")
_TYPE = re.compile(r"^ +type +: '(.*)'$")
_USE = re.compile(r"\bL([\w/$-]+);\.([\w$<>-]+):(\S+) // (?:method|field)@")


@dataclass(frozen=True)
class Member:
    """A method or field as it is named in a use of it."""

    owner: str  # android/os/PowerManager
    name: str
    type: str  # ()I

    def __str__(self) -> str:
        return f"{self.owner.replace('/', '.')}.{self.name}{self.type if '(' in self.type else ''}"


@dataclass
class Class:
    """What a class has by itself, and from whom it has the rest."""

    parents: tuple[str, ...] = ()
    members: set[tuple[str, str]] = field(default_factory=set)


def ours(apk: Path) -> tuple[dict[str, Class], dict[Member, str]]:
    """(our classes by name, every use of a member with one class that uses it)."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(apk) as archive:
        path = archive.extract(OURS, folder)
        done = subprocess.run(["dexdump", "-d", path], capture_output=True, text=True, errors="replace", check=True)
    return read(done.stdout.splitlines())


def read(lines: Iterable[str]) -> tuple[dict[str, Class], dict[Member, str]]:
    """The same out of what `dexdump -d` prints."""
    classes: dict[str, Class] = {}
    uses: dict[Member, str] = {}
    now, name = "", ""
    for line in lines:
        if match := _CLASS.match(line):
            now = match[1]
            classes[now] = Class()
        elif match := _SUPER.match(line) or _INTERFACE.match(line):
            classes[now].parents += (match[1],)
        elif match := _NAME.match(line):
            name = match[1]
        elif match := _TYPE.match(line):
            classes[now].members.add((name, match[1]))
        elif match := _USE.search(line):
            uses.setdefault(Member(match[1], match[2], match[3]), now)
    return classes, uses


class Platform:
    """The classes of one Android, read from its jar as they are asked for."""

    def __init__(self, jar: Path, classes: dict[str, Class]) -> None:
        self.archive, self.classes = zipfile.ZipFile(jar), classes
        self.load = cache(self._load)

    def has(self, member: Member) -> bool:
        """Whether one of Android's own classes declares it: the one that is named, or one that it inherits from."""
        system = (
            found for name in self._family(member.owner) if name.startswith(SYSTEM) and (found := self.load(name))
        )
        return any((member.name, member.type) in found.members for found in system)

    def _family(self, name: str) -> Iterator[str]:
        """A class and all that it inherits from."""
        yield name
        found = self.load(name)
        for parent in found.parents if found else ():
            yield from self._family(parent)

    def _load(self, name: str) -> Class | None:
        if name in self.classes:
            return self.classes[name]
        try:
            return class_file(self.archive.read(f"{name}.class"))
        except KeyError:
            return None


_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""Bytes of an entry of the constant pool, by its tag (Java virtual machine specification, 4.4)."""


def class_file(data: bytes) -> Class:
    """What a Java class file declares."""
    (count,) = struct.unpack_from(">H", data, 8)
    texts: dict[int, str] = {}
    names: dict[int, int] = {}
    at, index = 10, 1
    while index < count:
        tag = data[at]
        if tag == 1:
            (size,) = struct.unpack_from(">H", data, at + 1)
            texts[index] = data[at + 3 : at + 3 + size].decode("utf-8", "replace")
            at += 3 + size
        else:
            if tag == 7:
                (names[index],) = struct.unpack_from(">H", data, at + 1)
            at += 1 + _SIZES[tag]
        index += 2 if tag in (5, 6) else 1
    _, _, parent, interfaces = struct.unpack_from(">4H", data, at)
    places = [parent, *struct.unpack_from(f">{interfaces}H", data, at + 8)]
    found = Class(tuple(texts[names[place]] for place in places if place))
    at += 8 + 2 * interfaces
    for _kind in ("fields", "methods"):
        (count,) = struct.unpack_from(">H", data, at)
        at += 2
        for _ in range(count):
            _, name, kind, attributes = struct.unpack_from(">4H", data, at)
            found.members.add((texts[name], texts[kind]))
            at += 8
            for _ in range(attributes):
                at += 6 + struct.unpack_from(">I", data, at + 2)[0]
    return found


def newer(apk: Path, oldest: Path, newest: Path) -> dict[str, str]:
    """What our classes use that `newest` has and `oldest` lacks, by its name, with one class that uses it."""
    classes, uses = ours(apk)
    old, new = Platform(oldest, classes), Platform(newest, classes)
    found = {member: user for member, user in uses.items() if new.has(member) and not old.has(member)}
    return {str(member): user.replace("/", ".") for member, user in found.items()}
