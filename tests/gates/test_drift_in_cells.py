"""Faults planted in a file of a whole run: its cells fail by their layers, and nothing else of the run does."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import two_heads

from benchmarks.mutation.flat import File
from converters.contract import Format, Framework, TensorSpec
from converters.errors import UnavailableError
from converters.worker import WorkerPool
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.configs import load_configs
from pipeline.driver import Driver, Result, State
from pipeline.entries import ARTIFACT_FILE
from pipeline.plan import Plan, PlannedCell, make_plan
from pipeline.request import Request
from pipeline.store import ENTRY, Store, file_sha256
from pipeline.task import Task
from pipeline.verdicts import judge

PICTURE = {
    Framework.TORCH: TensorSpec("picture", (1, 3, 12, 20), "float32", "NCHW", meaning="image", limits=(0.0, 255.0)),
    Framework.TENSORFLOW: TensorSpec(
        "picture", (1, 12, 20, 3), "float32", "NHWC", meaning="image", limits=(0.0, 255.0)
    ),
}
SOURCE = {Framework.TORCH: two_heads.TORCH, Framework.TENSORFLOW: two_heads.KERAS}
CONFIGS, GATES = load_configs(None, None)


class Quiet:
    """A display that says nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    with WorkerPool(tmp_path_factory.mktemp("logs"), 8 << 30) as workers:
        yield workers


@dataclasses.dataclass
class Run:
    """A run in a workspace, which can be gone on with."""

    plan: Plan
    root: Path
    pool: WorkerPool

    def cells(self) -> list[tuple[PlannedCell, Cell]]:
        """Every planned cell and its verdict."""
        driver = Driver(Store(self.root), self.pool, Quiet())  # type: ignore[arg-type]
        tasks = [task for task in self.plan.tasks() if "time " not in task.name]
        results = driver.run(tasks)
        untimed = {task.name: Result(task, *_blocked()) for task in self.plan.tasks() if task.name not in results}
        judged = judge(self.plan, self.plan.cells, {**results, **untimed}, driver, GATES)
        return list(zip(self.plan.cells, judged, strict=True))

    def planted(self, folder: Path, file: str, fault: Callable[[File], None]) -> list[Cell]:
        """The cells of a file after a fault, in a copy of the workspace; the store holds it as if it were made so."""
        shutil.copytree(self.root, folder)
        planned = [cell for cell in self.plan.cells if cell.file == file]
        store = Store(folder)
        place = store.folder(planned[0].artifact.key)
        made = File.read(place / file)
        fault(made)
        made.write(place / file)
        record, entry = (json.loads((place / name).read_text()) for name in (ARTIFACT_FILE, ENTRY))
        record["artifact"]["sha256"] = file_sha256(place / file)
        (place / ARTIFACT_FILE).write_text(json.dumps(record))
        entry["files"] = {name: file_sha256(place / name) for name in entry["files"]}
        (place / ENTRY).write_text(json.dumps(entry))
        for cell in planned:
            for task in (cell.inspection, cell.measurement, cell.drift):
                assert isinstance(task, Task)
                store.drop(task.key)
        _forget_verdicts(folder)
        return [verdict for cell, verdict in dataclasses.replace(self, root=folder).cells() if cell.file == file]


def _blocked() -> tuple[State, str, None, UnavailableError]:
    return State.BLOCKED, "not timed", None, UnavailableError("not timed")


def _forget_verdicts(root: Path) -> None:
    for entry in root.glob("store/*/*/cell.json"):
        shutil.rmtree(entry.parent)


def whole_run(framework: Framework, folder: Path, pool: WorkerPool, *targets: str) -> Run:
    """A run of the small network of a framework."""
    folder.mkdir(parents=True, exist_ok=True)
    builder = folder / "net.py"
    builder.write_text(SOURCE[framework])
    wanted = Request(
        targets, f"{builder}:build", frameworks=(framework.value,), inputs=(PICTURE[framework],), name="net"
    )
    return Run(make_plan(wanted, CONFIGS), folder / "ws", pool)


@pytest.fixture(scope="module")
def torch_run(tmp_path_factory: pytest.TempPathFactory, pool: WorkerPool) -> Run:
    return whole_run(Framework.TORCH, tmp_path_factory.mktemp("torch"), pool, "tflite", "onnx")


@pytest.fixture(scope="module")
def keras_run(tmp_path_factory: pytest.TempPathFactory, pool: WorkerPool) -> Run:
    return whole_run(Framework.TENSORFLOW, tmp_path_factory.mktemp("keras"), pool, "tflite", "onnx")


def drift_of(cell: Cell) -> Check:
    return next(check for check in cell.checks if check.name == "drift")


@pytest.mark.parametrize(
    "run",
    [
        pytest.param("torch_run", marks=pytest.mark.torch),
        pytest.param("keras_run", marks=pytest.mark.tensorflow),
    ],
)
def test_every_honest_file_is_proved_layer_by_layer(run: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(run).cells()
    assert {cell.route.target for cell, _ in found} == {Format.TFLITE, Format.ONNX}
    assert {cell.route.precision.value for cell, _ in found} >= {"fp32", "fp16", "int8", "int8-io"}
    made = [  # LiteRT prepares no SUB of 16 bits whose second input has the larger range: said, not proved
        (cell, verdict)
        for cell, verdict in found
        if not (cell.route.precision.value == "int16x8" and verdict.outcome is Outcome.UNSUPPORTED)
    ]
    wrong = {cell.file: drift_of(verdict).reasons for cell, verdict in made if not proved(verdict)}
    assert wrong == {}


def proved(cell: Cell) -> bool:
    check = drift_of(cell)
    return check.outcome is Outcome.PASSED and check.required and bool(check.metrics["ops_aligned"])


def one_weight(made: File) -> None:
    """A weight of the pointwise convolution that is off by a part in 50,000 of the largest: outputs hardly move."""
    op = next(op for op in made.ops if made.type(op) == "CONV_2D" and weights(made, op).shape[1:3] == (1, 1))
    values = weights(made, op).copy()
    values[3, 0, 0, 2] += np.float32(2e-5) * np.abs(values).max()
    made.set(op.inputs[1], values)


def one_stored_weight(made: File) -> None:
    """The same in a file of 8 bits, by the least that there is."""
    op = next(op for op in made.ops if made.type(op) == "CONV_2D" and weights(made, op).shape[1:3] == (1, 1))
    values = weights(made, op).copy()
    values[3, 0, 0, 2] += 1 if values[3, 0, 0, 2] < 127 else -1
    made.set(op.inputs[1], values)


def zero_point(made: File) -> None:
    """What the depthwise convolution gives out is off by one step."""
    op = next(op for op in made.ops if made.type(op) == "DEPTHWISE_CONV_2D")
    made.tensor(op.outputs[0]).quantization.zeroPoint = np.asarray(
        made.tensor(op.outputs[0]).quantization.zeroPoint, np.int64
    ) + np.int64(1)


def relu6_to_relu(made: File) -> None:
    """The activation without its upper end."""
    op = next(op for op in made.ops if getattr(op.builtinOptions, "fusedActivationFunction", 0) == 3)
    op.builtinOptions.fusedActivationFunction = 1


def swapped_outputs(made: File) -> None:
    """Each output under the other's name."""
    for signature in made.model.signatureDefs:
        one, two = signature.outputs
        one.tensorIndex, two.tensorIndex = two.tensorIndex, one.tensorIndex


def weights(made: File, op: Any) -> np.ndarray:
    values = made.constant(op.inputs[1])
    assert values is not None
    return values


@pytest.mark.torch
@pytest.mark.parametrize(
    ("precision", "fault", "layer", "hidden"),
    [
        ("fp32", one_weight, "CONV_2D", True),
        ("fp32", relu6_to_relu, "CONV_2D", None),
        ("fp32", swapped_outputs, "OUTPUT", False),
        ("int8", one_stored_weight, "CONV_2D", True),
        ("int8", zero_point, "DEPTHWISE_CONV_2D", True),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_fault_in_a_file_of_a_run_fails_its_cells_by_the_layer(
    torch_run: Run, tmp_path: Path, precision: str, fault: Callable[[File], None], layer: str, hidden: bool | None
) -> None:
    """`hidden`: whether the outputs on the golden inputs are within their gate all the same; None: either."""
    torch_run.cells()
    for cell in torch_run.planted(tmp_path / "ws", f"net_torch_litert_{precision}.tflite", fault):
        check = drift_of(cell)
        assert (check.outcome, cell.outcome) == (Outcome.FAILED, Outcome.FAILED)
        assert any(layer in reason for reason in cell.reasons if reason.startswith("drift: ")), cell.reasons
        outcomes = {one.name: one.outcome for one in cell.checks}
        assert hidden is None or (outcomes["parity"] is Outcome.PASSED) is hidden, cell.reasons
