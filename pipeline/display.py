"""What a person sees while tasks run: bars on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipeline.driver import Result, State, ends_the_run
from pipeline.task import Task

STAGES = ("data", "train", "reference", "calibrate", "convert", "validate", "drift")
QUIET_STAGE = "judge"  # takes no time, and the report says what came of it
QUIET_LINE_S = 10.0  # without a terminal, a long task speaks this often
_MARK = {
    State.DONE: "[green]✓[/]",
    State.FAILED: "[red]✗[/]",
    State.BLOCKED: "[yellow]⊘[/]",
    State.UNCHANGED: "[dim]=[/]",
}


class ConsoleDisplay:
    """Implements the driver's Display. Use as a context manager."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self.console = console
        self.verbose = verbose
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._spoke: dict[str, float] = {}
        self._unchanged: dict[str, set[str]] = defaultdict(set)  # task names by stage
        self._ran: set[str] = set()  # stages
        self._blocked = 0
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> ConsoleDisplay:
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, task: Task, reason: str) -> None:
        """Shows a bar, or says that a task begins."""
        with self._lock:
            self._started[task.name] = self._spoke[task.name] = time.monotonic()
            if self.console.is_terminal:
                self._bars[task.name] = self._progress.add_task(escape(task.name), total=None, note="")
            if self.verbose or task.stage == "train":
                self._line(f"  [dim]…[/] {escape(task.name)} [dim]({escape(reason)})[/]")

    def progress(self, task: Task, event: dict[str, Any]) -> None:
        """Moves a task's bar, or says a line now and then."""
        if "warning" in event:
            self.warn(f"{task.name}: {event['warning']}")
            return
        done, total = event.get("step", 0), event.get("steps", 0)
        epochs = event.get("epochs", 1)
        share = ((event.get("epoch", 1) - 1) + (done / total if total else 1)) / epochs if epochs else 0.0
        loss, accuracy = event.get("loss", 0.0), event.get("accuracy", 0.0)
        note = event.get("phase") or f"epoch {event.get('epoch')}/{epochs}  loss {loss:.3f}  accuracy {accuracy:.1%}"
        with self._lock:
            if task.name in self._bars:
                self._progress.update(self._bars[task.name], total=1.0, completed=share, note=note)
            elif time.monotonic() - self._spoke[task.name] > QUIET_LINE_S:
                self._spoke[task.name] = time.monotonic()
                self._line(f"    {escape(task.name)}  {note}")

    def finished(self, result: Result) -> None:
        """Says how a task ended; unchanged ones are counted and said at the end."""
        task = result.task
        with self._lock:
            if task.name in self._bars:
                self._progress.remove_task(self._bars.pop(task.name))
            if result.state is State.UNCHANGED:
                self._unchanged[task.stage].add(task.name)
                if not self.verbose:
                    return
            self._ran.add(task.stage)
            if result.state is State.BLOCKED:
                self._blocked += 1
            if not self.verbose and (task.stage == QUIET_STAGE or result.state is State.BLOCKED):
                return
            seconds = time.monotonic() - self._started.get(task.name, time.monotonic())
            detail = f"{seconds:.1f} s" if result.state is State.DONE else escape(_short(result))
            self._line(f"  {_MARK[result.state]} {escape(task.name)}  [dim]{detail}[/]")

    def warn(self, message: str) -> None:
        """Says something that the user must know."""
        self._line(f"[yellow]warning:[/] {escape(message)}")

    def summary(self) -> None:
        """Says for each stage that only kept results that there was nothing to do, and why; counts what was blocked."""
        for stage in STAGES:
            kept = len(self._unchanged[stage])
            if kept and stage not in self._ran:
                count = "its result is" if kept == 1 else f"all {kept} results are"
                self._line(f"  [dim]=[/] {stage}: nothing to do, {count} unchanged (same inputs, same code)")

        if self._blocked:
            self._line(f"  {_MARK[State.BLOCKED]} {self._blocked} tasks were blocked by what failed")

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


def _short(result: Result) -> str:
    if result.state is State.FAILED and ends_the_run(result):
        return "failed"  # the error itself is the last line of the run
    if result.state is State.UNCHANGED:
        return result.reason
    lines = str(result.error).splitlines() or [type(result.error).__name__]
    return f"{result.reason}: {lines[0]}" if result.state is State.BLOCKED else lines[0]
