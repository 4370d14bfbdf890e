"""The folder that holds a user's results between runs: one run at a time, whole at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from converters.errors import WorkspaceError
from pipeline.store import Store, disk_errors

OWNER = "owner.json"
FOLDERS = ("store", "tasks", "tmp", "scratch", "logs")
_NAMES = frozenset({*FOLDERS, OWNER, "lock", ".gitignore"})


def is_workspace(root: Path) -> bool:
    """Whether a folder is one of ours, by the names in it: every one is known, and the lock is among them."""
    names = {path.name for path in root.iterdir()} if root.is_dir() else set()
    return "lock" in names and names <= _NAMES


@contextlib.contextmanager
def open_workspace(root: Path, command: str, warn: Callable[[str], None]) -> Iterator[Store]:
    """The store of a workspace, locked against other runs; what a killed run left half-made is removed.

    Raises:
        WorkspaceError: another run holds it, it is somebody's folder, or it cannot be written.
    """
    root = root.resolve()
    with disk_errors(root):
        if root.is_dir() and any(root.iterdir()) and not is_workspace(root):
            raise WorkspaceError(
                f"{root} holds other files and is no workspace of edge-export; it is left alone: choose another or a "
                "new folder with --workspace"
            )
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise WorkspaceError(
                f"another run is using the workspace {root}{_owner(root)}; "
                "wait until it ends, or give this one its own: --workspace OTHER"
            ) from None
    try:
        with disk_errors(root):
            started = time.strftime("%Y-%m-%d %H:%M:%S")
            (root / OWNER).write_text(json.dumps({"pid": os.getpid(), "started": started, "command": command}))
            (root / ".gitignore").write_text("*\n")
        store = Store(root, warn)
        store.clear_temporary()
        yield store
    finally:
        (root / OWNER).unlink(missing_ok=True)
        lock.release()


def _owner(root: Path) -> str:
    try:
        owner = json.loads((root / OWNER).read_text())
        return f" (process {owner['pid']} since {owner['started']}: {owner['command']})"
    except (OSError, ValueError, KeyError):
        return ""
