"""A content-addressed store: the result of a task lives in a folder named by what the result depends on.

An entry is made in a temporary folder, flushed to disk and renamed: it is there whole or not at all. It is verified
by size and sha256 when it is found again; a damaged one is removed, said, and made anew.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import DiskFullError, WorkspaceError

ENTRY = "entry.json"
_UNWRITABLE = frozenset({
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EIO,
})  # fmt: skip


def digest(value: Any) -> str:
    """sha256 of a JSON-able value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turns 'no space left' and 'permission denied' under `place` into errors that a user can act on.

    Raises:
        DiskFullError: the disk or the quota is full.
        WorkspaceError: the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFullError(
                f"no space is left for {place}; what was finished is kept: free some space and run again"
            ) from error
        itself = error.errno == errno.ENOENT and str(error.filename) == str(place)  # as in /proc, where nothing is made
        if itself or error.errno in _UNWRITABLE:
            raise WorkspaceError(f"cannot write {place}: {error.strerror}; choose another folder") from error
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file so that a reader sees the old bytes or the new ones, never a part."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@dataclass(frozen=True)
class Entry:
    """A finished result: its folder, its key and what the key was made from."""

    folder: Path
    key: str
    ingredients: Mapping[str, str]
    seconds: float

    def file(self, name: str) -> Path:
        """The path of a file of the entry."""
        return self.folder / name

    def json(self, name: str) -> Any:
        """A JSON file of the entry."""
        return json.loads(self.file(name).read_text())


class Store:
    """Entries under `root/store`, the last key of each task under `root/tasks`."""

    def __init__(self, root: Path, warn: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self.warn = warn
        self._verified: dict[str, Entry] = {}

    def folder(self, key: str) -> Path:
        """Where the entry of that key lives or would live."""
        return self.root / "store" / key[:2] / key

    def find(self, key: str) -> Entry | None:
        """The verified entry, or None; a damaged entry is removed and a warning given."""
        if key in self._verified:
            return self._verified[key]
        folder = self.folder(key)
        if not folder.is_dir():
            return None
        try:
            record = json.loads((folder / ENTRY).read_text())
            for name, sha256 in record["files"].items():
                if file_sha256(folder / name) != sha256:
                    raise ValueError(f"{name} has changed")
            entry = Entry(folder, key, record["ingredients"], record["seconds"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.warn(f"the stored result {key[:12]} is damaged ({error}): removed, and made anew")
            shutil.rmtree(folder, ignore_errors=True)
            return None
        self._verified[key] = entry
        return entry

    def add(self, key: str, ingredients: Mapping[str, str], fill: Callable[[Path], float]) -> Entry:
        """The entry made by `fill(folder)`, which returns the seconds that it took.

        Raises:
            DiskFullError: nothing is left behind then.
        """
        target = self.folder(key)
        with disk_errors(self.root):
            work = Path(tempfile.mkdtemp(dir=self.temporary(), prefix=key[:12] + "."))
            try:
                seconds = fill(work)
                files = {
                    str(path.relative_to(work)): file_sha256(path) for path in sorted(work.rglob("*")) if path.is_file()
                }
                record = {"ingredients": dict(ingredients), "files": files, "seconds": seconds}
                (work / ENTRY).write_text(json.dumps(record, indent=1, sort_keys=True))
                for name in (*files, ENTRY):
                    _fsync(work / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)
                work.replace(target)
                _fsync(target.parent)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
        self._verified[key] = Entry(target, key, dict(ingredients), seconds)
        return self._verified[key]

    def drop(self, key: str) -> None:
        """Forgets an entry, so that it is made anew."""
        self._verified.pop(key, None)
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def last(self, task: str) -> dict[str, str] | None:
        """The ingredients that a task was last run with, for saying what changed since."""
        try:
            return dict(json.loads(self._task_file(task).read_text())["ingredients"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, task: str, ingredients: Mapping[str, str]) -> None:
        """Records the ingredients of a task's newest result."""
        write_atomic(self._task_file(task), json.dumps({"task": task, "ingredients": dict(ingredients)}).encode())

    def temporary(self) -> Path:
        """The folder for what is being made; the next run clears what a killed one leaves there."""
        folder = self.root / "tmp"
        with disk_errors(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def clear_temporary(self) -> None:
        """Removes what a killed run left half-made; call it only while holding the workspace's lock."""
        shutil.rmtree(self.root / "tmp", ignore_errors=True)

    def _task_file(self, task: str) -> Path:
        return self.root / "tasks" / f"{digest(task)[:24]}.json"


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
