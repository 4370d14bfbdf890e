"""Where what is installed lives: folders of the user's cache, named by what is in them, whole or not there."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock

from converters.digest import digest
from converters.errors import DiskFullError, UnavailableError

VARIABLE = "EDGE_EXPORT_CACHE"
CONTENTS = "contents.json"
ABSENT = "it is not there"
LOCK_TIMEOUT_S = 1800.0
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_DIGEST_CHARACTERS = 12
_KIND_AND_USE = 0o170111
"""Of a mode: what kind of file it is, and who may execute it."""
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def root() -> Path:
    """The cache of the user: $EDGE_EXPORT_CACHE, else edge-export in $XDG_CACHE_HOME, else in ~/.cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")  # the specification ignores a relative one
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "edge-export"


def folder(name: str, ingredients: object, kind: str = "devices") -> Path:
    """Where the thing `name` made of `ingredients` (anything with a stable repr) lives; it may not be there."""
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a folder of the cache: small letters, digits and hyphens")
    return root() / kind / f"{name}-{digest(ingredients).hex()[:_DIGEST_CHARACTERS]}"


def damage(place: Path) -> str:
    """What is wrong with a made folder, in a few words: empty when every file is there with its size and mode.

    Every start of a toolchain asks, of 30,000 files: no `Path` is made of one.
    """
    try:
        contents = json.loads((place / CONTENTS).read_text(encoding="utf-8"))
        within = f"{place}{os.sep}"
        for relative, wanted in contents.items():
            try:
                found = _shape(os.lstat(within + relative))
            except OSError:
                return f"{relative} is missing"
            if found != wanted:
                return f"{relative} has changed"
    except FileNotFoundError:
        return f"it has no {CONTENTS}" if place.exists() else ABSENT
    except (OSError, ValueError, AttributeError):
        return f"its {CONTENTS} cannot be read"
    return ""


def make(
    name: str,
    ingredients: object,
    build: Callable[[Path], None],
    say: Callable[[str], None] = lambda _: None,
    kind: str = "devices",
) -> Path:
    """The folder of `folder(name, ingredients, kind)`, filled by `build(empty folder)` unless it is there and whole.

    One process builds and others wait for it. What is built appears at once or not at all, so it must not hold
    its own address. A damaged folder is said and built anew.

    Raises:
        UnavailableError: the cache cannot be written, or another process holds it for half an hour.
        DiskFullError: no space is left there.
    """
    place = folder(name, ingredients, kind)
    if not damage(place):
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(place.parent / f"{name}.lock", timeout=LOCK_TIMEOUT_S):
            wrong = damage(place)
            if not wrong:  # another process has made it meanwhile
                return place
            if place.exists():
                say(f"{place} is damaged ({wrong}): it is made anew")
            _build(place, build)
    except filelock.Timeout as error:
        raise UnavailableError(
            f"{place} is being made by another process for {LOCK_TIMEOUT_S:.0f} s; end that one and try again"
        ) from error
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DiskFullError(f"no space is left in {place.parent}: free some and run again") from error
        raise UnavailableError(
            f"the cache {place.parent} cannot be written ({error.strerror or error}); name another with {VARIABLE}"
        ) from error
    return place


def _build(place: Path, build: Callable[[Path], None]) -> None:
    unfinished = place.with_name(f".{place.name}")
    for leftover in (unfinished, place):
        remove(leftover)
    unfinished.mkdir()
    try:
        build(unfinished)
        (unfinished / CONTENTS).write_text(json.dumps(_contents(unfinished)), encoding="utf-8")
        unfinished.replace(place)
    finally:
        remove(unfinished)


def remove(place: Path) -> None:
    """Removes a folder, whatever is in it; packages hold folders that may not be written to."""
    if not place.is_dir():
        with contextlib.suppress(FileNotFoundError):
            place.unlink()
        return
    for parent, folders, _ in os.walk(place):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(place)


def _contents(place: Path) -> dict[str, list[int]]:
    return {
        str(path.relative_to(place)): _shape(path.lstat())
        for path in sorted(place.rglob("*"))
        if "__pycache__" not in path.parts and (path.is_symlink() or path.is_file())
    }


def _shape(found: os.stat_result) -> list[int]:
    """Kind with permissions, and size: what a damaged file rarely keeps."""
    return [found.st_mode & _KIND_AND_USE, found.st_size]
