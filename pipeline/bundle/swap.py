"""Replaces a folder as a whole: a reader sees the old one or the new one, and a killed run loses neither."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from converters.errors import WorkspaceError
from pipeline.store import disk_errors

WAIT_S = 60.0


@contextlib.contextmanager
def replacing(out: Path, ours: Callable[[Path], bool], wait_s: float = WAIT_S) -> Iterator[Path]:
    """Gives an empty folder beside `out`, which takes the place of `out` when the block ends well.

    Where the block raises, `out` stays as it was. Two renames make the swap; a run killed between them is mended by
    the next one.

    Args:
        out: the folder to make or to replace.
        ours: whether an existing folder may be replaced; an empty one always may.
        wait_s: how long to wait for another run that writes `out`.

    Raises:
        WorkspaceError: `out` is a file or somebody's folder, another run holds it, or it cannot be written.
        DiskFullError: no space is left.
    """
    out = out.resolve()
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _lock(out, wait_s):
            restore(out)
            require_replaceable(out, ours)
            new = _sibling(out, "new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            try:
                yield new
                _flush(new)
                _swap(new, out)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                restore(out)
                raise


def require_replaceable(out: Path, ours: Callable[[Path], bool]) -> None:
    """Raises where `out` could not be made or replaced, without making anything.

    Raises:
        WorkspaceError: `out` is a file or somebody's folder, or lies where nothing can be written.
    """
    if out.exists() and not (out.is_dir() and (ours(out) or not any(out.iterdir()))):
        raise WorkspaceError(f"{out} exists and is not one of our bundles; it is left alone: choose another --out")
    there = next(folder for folder in out.resolve().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is a file" if not there.is_dir() else "may not be written"
        raise WorkspaceError(f"cannot write {out}: {there} {why}; choose another --out")


def restore(out: Path) -> None:
    """Puts back what a run killed in the middle of a swap had moved away."""
    old = _sibling(out, "old")
    if not old.exists():
        return
    if out.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.rename(out)


def _swap(new: Path, out: Path) -> None:
    old = _sibling(out, "old")
    if out.exists():
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _sibling(out: Path, role: str) -> Path:
    return out.parent / f".{out.name}.{role}"


@contextlib.contextmanager
def _lock(out: Path, wait_s: float) -> Iterator[None]:
    lock = FileLock(_sibling(out, "lock"), timeout=wait_s)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkspaceError(f"another run is writing {out}; wait for it, or choose another --out") from error
    try:
        yield
    finally:
        lock.release()


def _flush(folder: Path) -> None:
    """Forces every file to the disk, so that a power cut cannot leave a renamed folder of empty files."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
