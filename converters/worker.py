"""Runs toolkit code in a process of its own, with a time limit, a memory limit and its own log.

A toolkit may crash, hang or eat the memory of the machine: in a worker that is an exception here, with the last
lines that the toolkit wrote, and never the end of the run. Parent and child speak over a socket pair that only
they hold; a second pipe is the child's lifeline: when the parent is gone, however it went, the child ends.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from converters import registry
from converters.channel import receive, send
from converters.device import Launch
from converters.errors import (
    ContractError,
    DiskFullError,
    EdgeExportError,
    ToolkitCrash,
    ToolkitError,
    ToolkitTimeout,
    UnavailableError,
)

Progress = Callable[[dict[str, Any]], None]
POLL_S = 0.1
LAST_LINES = 12
PATIENCE_S = 1.0
"""Before a second process is started: it takes as long to load what the first one has loaded, and its memory."""

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN changes float results from one machine to the next
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONUNBUFFERED": "1",
}


class Worker:
    """One child process; starts with the first call and is started afresh after a crash."""

    def __init__(self, name: str, log: Path, memory_limit_bytes: int, launch: Launch | None = None) -> None:
        self.name = name
        self.log = log
        self.memory_limit_bytes = memory_limit_bytes
        self.launch = launch or Launch()
        self._lock, self._ending = threading.Lock(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lifeline = -1
        self._temporary = ""

    def call(
        self, target: str, timeout_s: float, arguments: Mapping[str, Any], on_progress: Progress | None = None
    ) -> Any:
        """What `target` ("module:function") returns when called with `arguments` in the child.

        With `on_progress` the function gets a keyword of that name and each dict it passes arrives here.

        Raises:
            ToolkitTimeout: not done after `timeout_s` seconds; the child is killed.
            ToolkitCrash: the child died, or passed the memory limit and was killed.
            EdgeExportError: raised by the function itself; anything else that it raises is a ToolkitError.
        """
        with self._lock:
            connection = self._start()
            log_start = self.log.stat().st_size
            try:
                send(connection, (target, dict(arguments), on_progress is not None))
                kind, payload = self._wait(connection, target, timeout_s, log_start, on_progress)
            except (EOFError, ConnectionError, BrokenPipeError):
                raise ToolkitCrash(self._epitaph(target, log_start)) from None
            except BaseException:  # a limit, Ctrl-C or a failing callback: the child's state is unknown
                self.close()
                raise
        if kind == "result":
            return payload
        error, trace = payload
        error.add_note(f"in worker {self.name!r} (log: {self.log}):\n{trace}")
        raise error

    @property
    def busy(self) -> bool:
        """Whether a call is being served."""
        return self._lock.locked()

    def _start(self) -> Connection:
        if self._process is not None and self._process.poll() is None and self._connection is not None:
            return self._connection
        self.close()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair()
        lifeline_read, self._lifeline = os.pipe()
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._temporary = tempfile.mkdtemp(prefix="edge-export-")  # toolkits clean up at their exit, which a kill skips
        interpreter = self.launch.command or (sys.executable,)
        with self.log.open("ab") as log, theirs:
            self._process = subprocess.Popen(  # -P: a file called onnx.py in the user's folder must not be imported
                [*interpreter, "-P", "-m", "converters.worker", str(theirs.fileno()), str(lifeline_read)],
                pass_fds=(theirs.fileno(), lifeline_read),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
                env={**os.environ, **QUIET, "PYTHONPATH": path, "TMPDIR": self._temporary, **self.launch.env},
            )
        os.close(lifeline_read)
        self._connection = Connection(ours.detach())
        return self._connection

    def _wait(
        self, connection: Connection, target: str, timeout_s: float, log_start: int, on_progress: Progress | None
    ) -> tuple[str, Any]:
        import psutil

        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        process = psutil.Process(self._process.pid)
        while True:
            if connection.poll(POLL_S):
                kind, payload = receive(connection)
                if kind != "progress":
                    return kind, payload
                if on_progress:
                    on_progress(payload)
                continue
            if time.monotonic() > deadline:
                raise ToolkitTimeout(
                    f"{target} was not done after {timeout_s:g} s and was stopped; "
                    f"raise the limit in configs/limits.toml if it only needs longer{self._last_words(log_start)}"
                )
            with contextlib.suppress(psutil.Error):
                used = process.memory_info().rss
                if used > self.memory_limit_bytes:
                    raise ToolkitCrash(
                        f"{target} used {used / 2**30:.1f} GiB of memory, the limit is "
                        f"{self.memory_limit_bytes / 2**30:.1f} GiB; it was stopped{self._last_words(log_start)}"
                    )

    def close(self) -> None:
        """Ends the child, whatever it does; threads may do so at once: one after Ctrl-C, one as its child died."""
        with self._ending:
            process, connection, lifeline, temporary = self._process, self._connection, self._lifeline, self._temporary
            self._process, self._connection, self._lifeline, self._temporary = None, None, -1, ""
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if connection is not None:
            connection.close()
        if lifeline >= 0:
            os.close(lifeline)
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)

    def _epitaph(self, target: str, log_start: int) -> str:
        code = 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(timeout=5) if (process := self._process) else -signal.SIGKILL  # by another thread
        self.close()
        how = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"the process that ran {target} {how}{self._last_words(log_start)}"

    def _last_words(self, log_start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(max(log_start, self.log.stat().st_size - 65536))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "; it wrote last:\n  " + "\n  ".join(lines[-LAST_LINES:]) if lines else "; it wrote nothing"


class WorkerPool(contextlib.AbstractContextManager[Any]):
    """Workers by name, each started when first needed; a name shares what it has loaded.

    Where all of a name's workers are busy for `PATIENCE_S`, another one is started, up to `most` of them: but not where
    the name stands for a device or a sealed environment, of which there is one.
    """

    def __init__(self, log_folder: Path, memory_limit_bytes: int, most: int = 1) -> None:
        self.log_folder = log_folder
        self.memory_limit_bytes = memory_limit_bytes
        self.most = most
        self._workers: dict[str, list[Worker]] = {}
        self._lock = threading.Lock()
        self._mine = threading.local()

    def call(
        self, worker: str, target: str, timeout_s: float, on_progress: Progress | None = None, **arguments: Any
    ) -> Any:
        """`Worker.call` on a worker of that name."""
        return self._chosen(worker).call(target, timeout_s, arguments, on_progress)

    def close(self) -> None:
        """Ends every child."""
        for workers in self._workers.values():
            for worker in workers:
                worker.close()

    def _chosen(self, name: str) -> Worker:
        """The worker that this thread had last, which has loaded what it asks about, else one that is idle."""
        with self._lock:
            if name not in self._workers:
                self._workers[name] = [self._made(name, "", registry.launch(name))]
        known = self._workers[name]
        last, most = getattr(self._mine, name, known[0]), 1 if known[0].launch != Launch() else self.most
        patient_until = time.monotonic() + PATIENCE_S
        while last.busy and most > 1:
            with self._lock:
                idle = next((one for one in known if not one.busy), None)
                if idle is None and len(known) < most and time.monotonic() > patient_until:
                    idle = self._made(name, f"-{len(known) + 1}", Launch())
                    known.append(idle)
            if idle or len(known) == most:
                last = idle or last
                break
            time.sleep(POLL_S / 2)
        setattr(self._mine, name, last)
        return last

    def _made(self, name: str, number: str, launch: Launch) -> Worker:
        return Worker(name, self.log_folder / f"{name}{number}.log", self.memory_limit_bytes, launch)

    def __exit__(self, *_: object) -> None:
        self.close()


def resolve(target: str) -> Callable[..., Any]:
    """The function that "module:function" names.

    Raises:
        ContractError: there is no such module or function.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError as error:
        raise ContractError(f"{module} has no function {name!r}") from error


def _failure(error: BaseException) -> EdgeExportError:
    """The error as one of ours, so that it survives the way to the parent."""
    if isinstance(error, EdgeExportError):
        return type(error)(*error.args)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"no space is left to write {error.filename or 'a file'}: free some and run again")
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return UnavailableError(f"{package} is not installed here; `edge-export doctor` lists what is missing")
    if isinstance(error, MemoryError):
        return ToolkitCrash(f"out of memory: {error}" if str(error) else "out of memory")
    lines = str(error).strip().splitlines()
    return ToolkitError(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


def _serve(connection: Connection) -> None:
    while True:
        try:
            target, arguments, wants_progress = receive(connection)
        except EOFError:
            return
        try:
            if wants_progress:
                arguments["on_progress"] = lambda event: send(connection, ("progress", event))
            send(connection, ("result", resolve(target)(**arguments)))
        except Exception as error:
            send(connection, ("error", (_failure(error), traceback.format_exc())))


def main() -> None:
    """The child: `python -m converters.worker SOCKET_FD LIFELINE_FD`."""
    socket_fd, lifeline = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    _serve(Connection(socket_fd))


if __name__ == "__main__":
    main()
