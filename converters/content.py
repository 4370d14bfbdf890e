"""The bytes of an artifact, which is a file, or a folder of files where its format is one (Core ML's `.mlpackage`).

The digest of a folder is that of its sorted files: sha256 of one line a file, `<sha256>  <path inside>`, as the command
sha256sum writes them. Links inside a folder are refused: what they point to is not in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from converters.errors import ModelError


def present(path: Path) -> bool:
    """Whether there is a file, or a folder with something in it."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def files(path: Path) -> dict[str, Path]:
    """The files of a folder by their path inside, sorted; of a file, itself by an empty text.

    Raises:
        ModelError: there is a link in the folder.
    """
    if not path.is_dir():
        return {"": path}
    found = {item.relative_to(path).as_posix(): item for item in path.rglob("*") if item.is_symlink() or item.is_file()}
    for name, item in found.items():
        if item.is_symlink():
            raise ModelError(f"{path} holds a link, {name}: put the file itself there")
    return dict(sorted(found.items()))


def size_bytes(path: Path) -> int:
    """Of the file, or of all files of the folder together."""
    return sum(file.stat().st_size for file in files(path).values())


def sha256(path: Path) -> str:
    """The hex digest of a file's bytes, or of a folder's sorted files."""
    found = files(path)
    if "" in found:
        return _sha256(path)
    return folder_sha256({name: _sha256(file) for name, file in found.items()})


def folder_sha256(digests: Mapping[str, str]) -> str:
    """The hex digest of a folder whose files, by their path inside, have these."""
    text = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()


def stamp(path: Path) -> tuple[int, int]:
    """(size in bytes, newest time of change in ns): another one means that the content may have changed."""
    if not present(path):
        return 0, 0
    found = [file.stat() for file in files(path).values()]
    return sum(state.st_size for state in found), max((state.st_mtime_ns for state in found), default=0)


def copy(source: Path, target: Path) -> None:
    """Copies a file or a folder; FileNotFoundError where there is none."""
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    for name, file in files(source).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)


def replace(source: Path, target: Path) -> None:
    """Moves a file or a folder to `target`, whatever is there; both lie in one folder."""
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Forces the bytes to the disk."""
    for file in files(path).values():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
