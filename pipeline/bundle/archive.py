"""A bundle in a .zip: looked through before anything of it is unpacked, and unpacked where it leaves nothing behind."""

from __future__ import annotations

import contextlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from converters.errors import ModelError

ENTRY_BYTES, TOTAL_BYTES, ENTRIES = 1 << 30, 2 << 30, 10_000
"""What no bundle needs: beyond it an archive fills a disk, or a phone."""
MANIFEST = "manifest.json"
_PIECE = 1 << 20


def is_archive(path: Path) -> bool:
    """Whether a file is called a .zip; what it holds is seen when it is opened."""
    return path.is_file() and path.suffix.lower() == ".zip"


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder of a bundle that lies in a .zip, at its top or as its only folder; removed afterwards.

    Raises:
        ModelError: no .zip, an empty or damaged one, names that lead out of it, links, one name twice, too large.
    """
    with tempfile.TemporaryDirectory(prefix="edge-export-bundle-") as temporary:
        folder = Path(temporary)
        try:
            with zipfile.ZipFile(path) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                _check(path, archive.infolist(), entries)
                for entry in entries:
                    _write(path, archive, entry, folder)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise ModelError(f"bundle {path} cannot be read as a .zip: {error}; copy the whole bundle again") from error
        yield _top(folder)


def _check(path: Path, everything: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo]) -> None:
    if not entries:
        raise ModelError(f"bundle {path} is an empty .zip; copy the whole bundle again")
    if len(entries) > ENTRIES:
        raise ModelError(f"bundle {path} holds more than {ENTRIES} files: it is no bundle of ours; do not use it")
    seen: set[str] = set()
    total = 0
    for entry in everything:
        name = PurePosixPath(entry.filename)
        odd = "\\" in entry.filename or name.is_absolute() or PureWindowsPath(entry.filename).drive
        if odd or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
            raise ModelError(f"bundle {path}: {entry.filename!r} leads out of the archive; do not use it")
        if str(name) in seen:
            raise ModelError(f"bundle {path} holds {entry.filename!r} twice; make the .zip again")
        seen.add(str(name))
        total += entry.file_size
        if entry.file_size > ENTRY_BYTES or total > TOTAL_BYTES:
            raise ModelError(
                f"bundle {path}: with {entry.filename!r} it unpacks to {max(entry.file_size, total):,} bytes, more "
                f"than the {ENTRY_BYTES:,} for a file and {TOTAL_BYTES:,} in all that are taken; unpack it if you "
                "trust it, and give the folder"
            )


def _write(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as out:
        _copy(path, entry, source, out)


def _copy(path: Path, entry: zipfile.ZipInfo, source: IO[bytes], out: IO[bytes]) -> None:
    """Copies no more than the entry says that it holds."""
    left = entry.file_size
    while piece := source.read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise ModelError(f"bundle {path}: {entry.filename!r} unpacks to more than the .zip says; do not use it")
        out.write(piece)


def _top(folder: Path) -> Path:
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX"]
    bare = not (folder / MANIFEST).is_file() and len(inside) == 1 and inside[0].is_dir()
    return inside[0] if bare else folder
