"""What several figures are measured on, made once: artifacts of the reference model, and a whole run of the tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import reference_models
from converters.contract import Artifact, Framework, Precision
from converters.errors import ToolkitError
from converters.worker import WorkerPool
from pipeline import evidence
from pipeline.configs import load_configs
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.driver import Driver, Result
from pipeline.entries import read_artifact
from pipeline.plan import Plan, make_plan
from pipeline.request import Request
from pipeline.store import Entry, Store
from pipeline.task import Task, worker_limits

ROOT = Path(__file__).resolve().parent.parent


def command(*arguments: str) -> list[str]:
    """The installed `edge-export` of this environment, or the same from source, with arguments."""
    installed = Path(sys.executable).with_name("edge-export")
    return [*([str(installed)] if installed.exists() else [sys.executable, "-m", "pipeline.cli"]), *arguments]


def started(arguments: list[str], folder: Path, **options: Any) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Seconds that a process took from start to end, and how it ended. Its bytecode is kept, as it is by default."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH", "")]))
    start = time.perf_counter()
    done = subprocess.run(arguments, cwd=folder, env=environment, text=True, check=False, **options)
    return time.perf_counter() - start, done


class Silent:
    """The driver's Display, for work that is timed or done many times; only warnings are said."""

    def started(self, task: Task, reason: str) -> None:
        """Says nothing."""

    def progress(self, task: Task, event: dict[str, Any]) -> None:
        """Says nothing."""

    def finished(self, result: Result) -> None:
        """Says nothing."""

    def warn(self, message: str) -> None:
        """Says it."""
        sys.stderr.write(f"warning: {message}\n")


@dataclass
class Workshop:
    """`folder` holds everything that is made here; `workspace` is that of the whole run, and may be older."""

    folder: Path
    workspace: Path
    trials: int = 200
    _made: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configs, _ = load_configs(None, None)
        self.store = Store(self.folder / "store")
        self.pool = WorkerPool(self.folder / "logs", worker_limits(self.configs.limits))
        self.driver = Driver(self.store, self.pool, Silent())

    def plan(self, framework: Framework, target: str, precision: Precision) -> Plan:
        """How the tool makes one artifact of the untrained reference model."""
        request = Request(
            targets=(target,),
            model=f"{Path(reference_models.__file__)}:{framework.value}",
            frameworks=(framework.value,),
            precisions=(precision.value,),
            data="fashion-mnist",
            inputs=reference_models.signature(framework).inputs,
            name=reference_models.MODEL,
        )
        return make_plan(request, self.configs)

    def entry(self, task: Task) -> Entry:
        """The result of a task, made by the driver unless it is there.

        Raises:
            EdgeExportError: why it could not be made.
        """
        result = self.driver.run([task])[task.name]
        if result.entry is None:
            raise result.error or ToolkitError(f"{task.name} gave no result")
        return result.entry

    def artifact(self, framework: Framework, target: str, precision: Precision) -> tuple[Artifact, Path]:
        """An artifact of the untrained reference model, and a file of its samples: the test images of the subset."""
        plan = self.plan(framework, target, precision)
        cell = next(cell for cell in plan.cells if cell.route.precision is precision)
        artifact = read_artifact(self.entry(cell.artifact))
        assert plan.data is not None
        samples = self.folder / f"samples_{framework.value}.safetensors"
        images = Dataset.open(self.entry(plan.data).folder).test.inputs
        evidence.save(samples, to_samples(images, artifact.source.inputs))
        return artifact, samples

    def run(self, devices: str = "none") -> tuple[float, subprocess.CompletedProcess[str]]:
        """`edge-export run --target tflite` in the workspace: seconds, and how it ended."""
        arguments = ["run", "--target", "tflite", "--devices", devices, "--workspace", str(self.workspace)]
        arguments += ["--out", str(self.folder / "dist")]
        return started(command(*arguments), self.folder, stdout=sys.stderr)

    def report(self, devices: str = "none") -> dict[str, Any]:
        """The report of a whole run, which is made when it is first asked for.

        Raises:
            ToolkitError: the run ended without a report.
        """
        kept = f"report {devices}"
        if kept not in self._made:
            seconds, done = self.run(devices)
            path = self.folder / "dist" / reference_models.MODEL / "report" / "report.json"
            if done.returncode not in (0, 1) or not path.is_file():
                raise ToolkitError(f"edge-export run ended with exit code {done.returncode} and without a report")
            self._made[kept] = {**json.loads(path.read_text(encoding="utf-8")), "run_s": seconds}
        return self._made[kept]

    def close(self) -> None:
        """Ends the workers."""
        self.pool.close()
