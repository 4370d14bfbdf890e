"""Keeps a browser for as long as the process that asked for it lives; then ends it and removes its profile.

`python keeper.py PROFILE READ WRITE COMMAND...`: standard input is the lifeline (its end means that the asker is
gone); READ and WRITE are descriptors that become the browser's 3 and 4. The browser gets a process group of its own,
so that all of it can be ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

PIPES = (3, 4)
GRACE_S = 2.0
"""A browser whose pipes are closed ends by itself; after so many seconds it is made to."""


def keep(profile: str, pipes: tuple[int, int], command: list[str]) -> int:
    """The exit code, as of a shell, of a command that runs until it or the lifeline ends; the profile is gone then."""
    try:
        _move(pipes)
        if hasattr(os, "sched_setaffinity"):  # who asks may be pinned to one CPU for its own timings
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=PIPES, start_new_session=True)
        for descriptor in PIPES:  # or neither side would see the other's end
            os.close(descriptor)
        threading.Thread(target=_end_with_the_lifeline, args=(child,), daemon=True).start()
        code = child.wait()
        _kill(child.pid)  # helpers that outlived it
        return code if code >= 0 else 128 - code
    finally:
        _remove(profile)


def _move(pipes: tuple[int, int]) -> None:
    """Gives the two descriptors the numbers that the browser looks for, whatever they were."""
    copies = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 16) for pipe in pipes]
    for pipe in pipes:
        os.close(pipe)
    for copy, number in zip(copies, PIPES, strict=True):
        os.dup2(copy, number)
        os.close(copy)


def _end_with_the_lifeline(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    _kill(child.pid)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _remove(profile: str) -> None:
    """Helpers that are just ending may still write a file or two."""
    for _ in range(50):
        shutil.rmtree(profile, ignore_errors=True)
        if not os.path.exists(profile):  # noqa: PTH110 - pathlib would double the time of the start
            return
        time.sleep(0.1)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the lifeline says when to end, and nobody else
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.exit(keep(sys.argv[1], (int(sys.argv[2]), int(sys.argv[3])), sys.argv[4:]))
