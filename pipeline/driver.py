"""Runs tasks: finds what is stored, works on the rest as far as its needs allow; one failure never ends the others."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from converters.errors import DiskFullError, EdgeExportError, ToolkitError, WorkspaceError
from converters.worker import WorkerPool
from pipeline.store import Entry, Store
from pipeline.task import Context, Task


class State(StrEnum):
    """What became of a task in this run."""

    UNCHANGED = "unchanged"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Result:
    """A task's entry, or the error that kept it from one; `reason` says why it ran or did not."""

    task: Task
    state: State
    reason: str
    entry: Entry | None = None
    error: EdgeExportError | None = None


class Display(Protocol):
    """Where the driver tells what happens."""

    def started(self, task: Task, reason: str) -> None:
        """A task begins to work."""

    def progress(self, task: Task, event: dict[str, Any]) -> None:
        """A task says how far it is."""

    def finished(self, result: Result) -> None:
        """A task is over."""

    def warn(self, message: str) -> None:
        """Something that the user must know."""


def reason_to_run(store: Store, task: Task) -> str:
    """Why a task would run, or an empty text when its result is stored and whole."""
    if store.find(task.key) is not None:
        return ""
    last = store.last(task.name)
    if last is None:
        return "never made here"
    now = task.all_ingredients
    changed = sorted(name for name in {*last, *now} if last.get(name) != now.get(name))
    return f"changed: {', '.join(changed)}" if changed else "the stored result is gone or was damaged"


USER_FAULTS = (2, 3, 4, 5)
"""Exit codes of errors that the user mends."""


def ends_the_run(result: Result) -> bool:
    """Whether a failure is the user's to mend, in the data or the model: no cell could say it better."""
    first = result.task.stage in ("data", "train", "reference")
    return first and result.error is not None and result.error.exit_code in USER_FAULTS


class Driver:
    """Executes tasks on a `concurrent.futures` executor; work inside a task goes to the worker processes."""

    def __init__(
        self,
        store: Store,
        pool: WorkerPool,
        display: Display,
        jobs: int = 2,
        executor: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        self.store = store
        self.pool = pool
        self.display = display
        self.jobs = jobs
        self.executor = executor
        self._stopping = False

    def run(self, tasks: Iterable[Task], known: Mapping[str, Result] = MappingProxyType({})) -> dict[str, Result]:
        """Every task's result by name, those of their needs included; `known` ones stand as they are, failures too.

        Raises:
            DiskFullError, WorkspaceError: nothing more can be stored; what was finished is kept.
        """
        results = dict(known)
        waiting = [task for task in _closure(tasks) if task.name not in results]
        running: dict[Future[Result], Task] = {}
        executor = self.executor(self.jobs)
        try:
            while waiting or running:
                for task in self._ready(waiting, results, [*running.values()]):
                    waiting.remove(task)
                    settled = self._settle(task, results)
                    if settled is None:
                        reason = reason_to_run(self.store, task)
                        self.display.started(task, reason)
                        running[executor.submit(self._work, task, reason, dict(results))] = task
                    else:
                        results[task.name] = settled
                        self.display.finished(settled)
                if running:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        results[running.pop(future).name] = future.result()
        finally:
            if running:  # Ctrl-C or a full disk: end the toolkits, so that the threads come home, and say no more
                self._stopping = True
                self.pool.close()
            executor.shutdown(wait=True, cancel_futures=True)
        return results

    def _ready(self, waiting: Sequence[Task], results: dict[str, Result], running: Sequence[Task]) -> list[Task]:
        """The tasks to look at next: needs settled; an exclusive one only when nothing else runs.

        One a lane while there are others; then a second of the same, for which the pool starts another worker.
        """
        ready = [task for task in waiting if all(need.name in results for need in task.needs.values())]
        stored = [task for task in ready if self._settle(task, results) is not None]
        if stored or any(task.exclusive for task in running):
            return stored
        lanes = {task.lane for task in running}
        free: dict[str, Task] = {}
        shared = [task for task in ready if not task.exclusive]
        for task in shared:
            if task.lane not in lanes:
                free.setdefault(task.lane, task)
        if shared or running:
            chosen = [*free.values(), *(task for task in shared if task not in free.values())]
            return chosen[: self.jobs - len(running)]
        return ready[:1]

    def _settle(self, task: Task, results: dict[str, Result]) -> Result | None:
        """The result of a task that needs no work: stored already, or blocked."""
        for need in task.needs.values():
            upstream = results[need.name]
            if upstream.entry is None:
                return Result(task, State.BLOCKED, f"{need.name} has no result", error=upstream.error)
        entry = self.store.find(task.key)
        return Result(task, State.UNCHANGED, "nothing to do: its inputs are unchanged", entry) if entry else None

    def _work(self, task: Task, reason: str, results: dict[str, Result]) -> Result:
        start = time.perf_counter()
        needs = {name: results[need.name].entry for name, need in task.needs.items()}

        def call(worker: str, target: str, timeout_s: float, **arguments: Any) -> Any:
            return self.pool.call(worker, target, timeout_s, **arguments)

        def fill(folder: Any) -> float:
            scratch = self.store.root / "scratch" / task.key[:24]
            progress = lambda event: self.display.progress(task, event)  # noqa: E731
            task.work(Context(folder, needs, call, progress, self.display.warn, scratch))  # type: ignore[arg-type]
            return time.perf_counter() - start

        try:
            entry = self.store.add(task.key, task.all_ingredients, fill)
            self.store.remember(task.name, task.all_ingredients)
        except (DiskFullError, WorkspaceError):
            raise
        except Exception as error:
            if os.strerror(errno.ENOSPC) in str(error):  # the toolkits' own words: safetensors, HDF5
                raise DiskFullError(
                    f"no space is left, {task.name} could not write; what was finished is kept: free some space and "
                    "run again"
                ) from error
            if isinstance(error, EdgeExportError):
                return self._failed(task, reason, error)
            wrapped = ToolkitError(f"{task.name}: {type(error).__name__}: {error}")
            wrapped.__cause__ = error
            return self._failed(task, reason, wrapped)
        return self._told(Result(task, State.DONE, reason, entry))

    def _failed(self, task: Task, reason: str, error: EdgeExportError) -> Result:
        return self._told(Result(task, State.FAILED, reason, error=error))

    def _told(self, result: Result) -> Result:
        if not self._stopping:
            self.display.finished(result)
        return result


def _closure(tasks: Iterable[Task]) -> list[Task]:
    """The tasks and all that they need, needs first, each once."""
    ordered: dict[str, Task] = {}

    def visit(task: Task) -> None:
        if task.name not in ordered:
            for need in task.needs.values():
                visit(need)
            ordered[task.name] = task

    for task in tasks:
        visit(task)
    return list(ordered.values())
