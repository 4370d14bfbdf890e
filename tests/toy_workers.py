"""Worker processes played by numpy in this process: a whole run, from builder to verdict, without a toolkit.

Every file, source or artifact, holds the weights of tests/gates/mini.py as .npz, in the type of its precision; it
looks enough like TorchScript to be taken for that.
"""

from __future__ import annotations

import dataclasses
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gates import mini, timings

from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.graph import Graph, Op, Tensor
from converters.inspection import Inspection, Needs, OpInfo, TensorInfo
from converters.reach import Reach, Watched
from converters.samples import load_samples
from converters.state import Probe
from pipeline.checks.gates import Gates
from pipeline.checks.outcome import Cell
from pipeline.config import Configs
from pipeline.configs import load_configs
from pipeline.driver import Driver, Result
from pipeline.plan import Plan, make_plan
from pipeline.request import Request
from pipeline.store import Entry, Store, file_sha256
from pipeline.task import Task
from pipeline.verdicts import judge

SIGNATURE = Signature((TensorSpec("image", (1, 12, 20, 3), "float32", "NHWC", meaning="image"),), mini.OUTPUTS)
BUILDER = "import torch\n\n\ndef build(): ...\n"
LIKE_TORCHSCRIPT = ("toy/data.pkl", "toy/constants.pkl", "toy/code/toy.py")
DEVICES = {"litert-xnnpack": "xnnpack", "litert-reference": "reference", "onnxruntime": "CPUExecutionProvider"}

Fault = Callable[[str, dict[str, Any]], Exception | None]
"""What goes wrong when a function of this name is called with these arguments, if anything."""


class ToyWorkers:
    """Stands in for a WorkerPool; keeps the names of what it was asked."""

    def __init__(self, fault: Fault = lambda name, arguments: None) -> None:
        self.fault = fault
        self.calls: list[str] = []
        self.asked: dict[str, dict[str, Any]] = {}  # the last arguments by function, the limit as timeout_s
        self.closed = False

    def call(self, worker: str, target: str, timeout_s: float, on_progress: Any = None, **arguments: Any) -> Any:
        name = target.partition(":")[2]
        self.calls.append(name)
        self.asked[name] = {**arguments, "worker": worker, "timeout_s": timeout_s}
        if error := self.fault(name, arguments):
            raise error
        return getattr(self, f"_{name}")(**arguments)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> ToyWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _capture(self, builder: str, builder_args: Any, weights_out: Path, framework: str, inputs: Any) -> Artifact:
        save(weights_out, Precision.FP32)
        return artifact(weights_out, Format.TORCH, Precision.FP32, builder=builder)

    def _train(self, out: Path, checkpoint: Path, **arguments: Any) -> dict[str, float]:
        assert checkpoint.is_dir()
        save(out, Precision.FP32)
        return {"accuracy": 0.9, "seconds": 1.0}

    def _parameter_count(self, artifact: Artifact) -> int:
        return sum(values.size for values in load(artifact.path).values())

    def _prepared(self, edge_name: str, source: Artifact, made_at: Path) -> Artifact:
        shutil.copy(source.path, made_at)
        return dataclasses.replace(source, path=made_at, notes=("the pre-pass replaced 1 Toy",))

    def _convert(self, edge_name: str, request: ConversionRequest) -> Artifact:
        save(request.target, request.precision)
        target = next(kind for kind in Format if request.target.name.endswith(kind.suffix))
        source = request.source
        return artifact(
            request.target,
            target,
            request.precision,
            model=source.model,
            framework=source.framework,
            producer=edge_name,
        )

    def _inspect(self, path: Path, format: Format) -> Inspection:
        return inspection(path, format)

    def _run_samples(
        self,
        runtime: str,
        artifact: Artifact,
        samples: Path,
        prefix: str = "",
        fresh: bool = False,
        budget_s: float = 0.0,
    ) -> Any:
        return mini.run(load(artifact.path), load_samples(samples, prefix)[artifact.source.inputs[0].name])

    def _survey(self, artifact: Artifact, samples: Path, prefix: str, legal: Any, nudged: bool) -> Reach:
        inputs = load_samples(samples, prefix)[artifact.source.inputs[0].name]
        outputs = list(mini.run(load(artifact.path), inputs).values())
        least, greatest = (np.concatenate([end(v, axis=1) for v in outputs], axis=1) for end in (np.min, np.max))
        watched = tuple(Watched(name, "linear", 5, at) for name, at in (("logits", ()), ("box", (0.0,))))
        return Reach(watched, least, greatest, np.ones(len(least), dtype=bool), 10)

    def _climb(self, **arguments: Any) -> Any:
        raise UnsupportedError("a toy has no gradients")

    def _probe(self, runtime: str, artifact: Artifact, samples: Path, prefix: str = "") -> Probe:
        shapes = {spec.name: value.shape[1:] for spec, value in self._outputs(artifact, samples, prefix)}
        return Probe(finite=True, moves=True, shapes=shapes)

    def _outputs(self, artifact: Artifact, samples: Path, prefix: str) -> list[tuple[TensorSpec, np.ndarray]]:
        outputs = ToyWorkers._run_samples(self, "", artifact, samples, prefix)
        return list(zip(artifact.signature.outputs, outputs.values(), strict=False))

    def _placement(self, runtime: str, artifact: Artifact) -> list[tuple[str, str]]:
        return [("CONV_2D", DEVICES.get(runtime, "cpu"))]

    def _graph(self, artifact: Artifact) -> Graph:
        return graph(artifact)

    def _trace(self, artifact: Artifact, samples: Path, prefix: str, indices: Any) -> dict[int, np.ndarray]:
        inputs = load_samples(samples, prefix)[artifact.source.inputs[0].name]
        return self._run(artifact, {len(load(artifact.path)): inputs}, indices)

    def _run(self, artifact: Artifact, given: Any, wanted: Any) -> dict[int, np.ndarray]:
        first = len(load(artifact.path))
        known = dict(enumerate((given[first], *mini.run(load(artifact.path), given[first]).values()), first))
        return {index: known[index] for index in wanted if index in known}

    def _run_many(self, artifact: Artifact, pieces: Any) -> list[dict[int, np.ndarray]]:
        return [self._run(artifact, given, wanted) for given, wanted in pieces]

    def _rehearse(self, **arguments: Any) -> Any:
        self.machine = timings.Machine(0)
        return timings.PLAN

    def _time_round(self, plan: Any, seed: int, **arguments: Any) -> Any:
        return self.machine.take(plan, seed)


def save(path: Path, precision: Precision) -> None:
    """The weights in the type of a precision, the same bytes every time."""
    dtype = np.float16 if precision is Precision.FP16 else np.float32
    store(path, {name: values.astype(dtype) for name, values in mini.parameters().items()})


def store(path: Path, weights: mini.Parameters) -> None:
    """Writes a file of these weights."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **weights)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name in LIKE_TORCHSCRIPT:
            archive.writestr(zipfile.ZipInfo(name), b"")
    path.write_bytes(buffer.getvalue())


def load(path: Path) -> mini.Parameters:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name not in LIKE_TORCHSCRIPT}


def artifact(path: Path, format: Format, precision: Precision, **more: Any) -> Artifact:
    """The artifact in a file that `save` wrote."""
    return Artifact(
        path, format, precision, SIGNATURE, SIGNATURE, sha256=file_sha256(path), size_bytes=path.stat().st_size, **more
    )


def inspection(path: Path, format: Format) -> Inspection:
    """One convolution of all the weights."""
    weights = [TensorInfo(name, v.shape, str(v.dtype), True, v.nbytes) for name, v in load(path).items()]
    ends = [TensorInfo(spec.name, spec.shape, "float32", False) for spec in (*SIGNATURE.inputs, *SIGNATURE.outputs)]
    count = len(weights)
    op = OpInfo("CONV_2D", (count, *range(count)), (count + 1, count + 2))
    return Inspection(format, SIGNATURE, (*weights, *ends), (op,), "g" * 64, needs=Needs("Toy", "1.0.0", "CONV_2D"))


def graph(artifact: Artifact) -> Graph:
    """One convolution of all the weights, as something that looks inside shows it."""
    weights = load(artifact.path)
    ends = (*SIGNATURE.inputs, *SIGNATURE.outputs)
    tensors = [Tensor(n, name, v.shape, str(v.dtype), v) for n, (name, v) in enumerate(weights.items())]
    tensors += [Tensor(n, spec.name, spec.shape, "float32") for n, spec in enumerate(ends, len(weights))]
    (taken, *given) = (tensor.index for tensor in tensors[len(weights) :])
    op = Op(0, "CONV_2D", (taken, *range(len(weights))), tuple(given))
    names = tuple(spec.name for spec in SIGNATURE.outputs)
    return Graph(
        artifact.format, dict(enumerate(tensors)), (op,), (taken,), tuple(given), (SIGNATURE.inputs[0].name,), names
    )


def write_data(path: Path, samples: int = 128) -> Path:
    """An .npz of images and labels that the model mostly gets right; train and test differ."""
    arrays = {}
    for seed, split in enumerate(("train", "test")):
        pictures = mini.images(samples, seed)[:, 0]
        arrays[f"x_{split}"] = pictures.astype(np.uint8)
        arrays[f"y_{split}"] = mini.labels(mini.run(mini.parameters(), pictures[:, None])["logits"])
    np.savez(path, allow_pickle=False, **arrays)
    return path


def result(task: Task, folder: Path, workers: ToyWorkers | None = None) -> Entry:
    """The stored result of a task and of all that it needs.

    Raises:
        EdgeExportError: why there is none.
    """
    done = Driver(Store(folder), workers or ToyWorkers(), Quiet()).run([task])[task.name]  # type: ignore[arg-type]
    if done.entry is None:
        assert done.error is not None
        raise done.error
    return done.entry


class Quiet:
    """A display that only keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def started(self, task: Any, reason: str) -> None: ...

    def progress(self, task: Any, event: dict[str, Any]) -> None: ...

    def finished(self, result: Result) -> None: ...

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def request(folder: Path, *precisions: str, targets: tuple[str, ...] = ("onnx",)) -> Request:
    """For a builder in `folder`, which is written when it is not there."""
    file = folder / "net.py"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(BUILDER)
    return Request(targets, f"{file}:build", precisions=precisions or ("fp32",))


@dataclass(frozen=True)
class Finished:
    """All that a run hands to its end."""

    plan: Plan
    gates: Gates
    configs: Configs
    cells: list[Cell]
    results: dict[str, Result]
    store: Store


def finish(wanted: Request, workspace: Path, workers: ToyWorkers | None = None) -> Finished:
    """A run up to its verdicts."""
    configs, gates = load_configs(None, None)
    room = {
        name: replace(gate, margin_points=10.0) for name, gate in gates.accuracy.items()
    }  # 128 samples tell no less
    gates = replace(gates, accuracy=room)
    plan = make_plan(wanted, configs)
    store = Store(workspace)
    driver = Driver(store, workers or ToyWorkers(), Quiet())  # type: ignore[arg-type]
    results = driver.run(plan.tasks())
    return Finished(plan, gates, configs, judge(plan, plan.cells, results, driver, gates), results, store)
