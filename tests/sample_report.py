"""A report with every outcome, several models, formats and runtimes, hostile names, long reasons and 40 cells."""

from __future__ import annotations

import math

import numpy as np
import sample_drifts

from pipeline.checks.choice import Candidate, Choice
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.report.document import ArtifactRow, ModelCard, Report
from pipeline.report.flips import flips

HOSTILE = "<script>alert('owned')</script>"
PRECISIONS = ("fp32", "fp16", "dynamic", "int8", "int8-io")
CRASH = (
    "the worker process died of SIGSEGV while it opened the file; its last words were:\n"
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    "\x1b[31mFatal Python error\x1b[0m: Segmentation fault\x00\n"
    + '  File "/usr/lib/python3/interpreter_wrapper_with_a_very_long_name_that_never_ends.py", line 42\n'
    * 6
)
NO_DEVICE = "no ARM64 device here; `apt-get install qemu-user` would make it run"
SNR_DB = {"fp32": 118.4, "fp16": 71.2, "dynamic": 38.9, "int8": 27.3, "int8-io": 26.8}
P50_MS = {"fp32": 0.192, "fp16": 0.197, "dynamic": 0.704, "int8": 0.101, "int8-io": 0.097}
SIZE = {"fp32": 144_212, "fp16": 76_020, "dynamic": 51_800, "int8": 48_312, "int8-io": 48_100}
GATES = {
    "parity": {
        "fp32": {"snr_db_min": 103.0, "reason": "Honest fp32 pairs of kernels differ by less than this."},
        "int8": {"snr_db_min": 15.0, "reason": "Honest int8 kernels differ by up to 35 dB: the output alone is weak."},
    },
    "accuracy": {"drop_points_max": 0.5, "reason": "What a person would not notice on the reference model."},
}

CHOICES = (
    Choice(
        framework="torch",
        target="tflite",
        precision="int8",
        runtime="litert-xnnpack",
        route="litert",
        fastest="litert",
        reason="the fastest on litert-xnnpack of 2 that pass every gate",
        candidates=(
            Candidate(
                "onnx-onnx2tf",
                "a.tflite",
                Outcome.PASSED,
                52_000,
                0.113,
                1.12,
                1.1,
                1.14,
                "slower than litert by 12.0 %",
            ),
            Candidate("litert", "b.tflite", Outcome.PASSED, 48_312, 0.101, None, None, None, "chosen: the fastest"),
            Candidate(HOSTILE, "", Outcome.FAILED, 0, None, None, None, None, "rejected, FAILED: parity: 12 dB"),
        ),
    ),
)


def report() -> Report:
    """The sample."""
    cells = (*_tflite("torch", "litert"), *_tflite("tensorflow", "keras-tflite"), *_others())
    return Report(
        title=f"fashion-cnn {HOSTILE}",
        created="2026-11-23T12:00:00Z",
        command="edge-export run fashion-cnn --target all --precision fp32,fp16,dynamic,int8,int8-io --out dist",
        environment={"python": "3.11.7", "cpu": "2 × Example CPU @ 2.5 GHz", "torch": "2.13.0", "host": HOSTILE},
        gates=GATES,
        models=(
            ModelCard(
                "fashion-cnn", "torch", 27_114, 0.9112, 2000, 300, ("image 1x1x28x28 float32 NCHW",), ("logits 1x10",)
            ),
            ModelCard(
                "fashion-cnn",
                "tensorflow",
                27_114,
                None,
                2000,
                300,
                ("image 1x28x28x1 float32 NHWC",),
                ("logits 1x10",),
                "moved over",
            ),
        ),
        artifacts=_artifacts(cells),
        cells=cells,
        flips=_flips(cells),
        notes=("The machine was busy: latency intervals are wide.", HOSTILE),
        timings_s={"data": 0.4, "train": 141.2, "convert": 58.0, "validate": 96.31},
        drifts=sample_drifts.DRIFTS,
        choices=CHOICES,
    )


def passed() -> Report:
    """A report in which everything passed."""
    return _with(tuple(_cell("torch", "litert", precision, "litert-xnnpack") for precision in PRECISIONS))


def empty() -> Report:
    """A report without a single cell."""
    return _with(())


def _with(cells: tuple[Cell, ...]) -> Report:
    return Report("t", "2026-11-23T12:00:00Z", "edge-export run", {}, {}, (), _artifacts(cells), cells)


def _cell(
    framework: str,
    route: str,
    precision: str,
    runtime: str,
    *extra: Check,
    target: str = "tflite",
    file: bool = True,
    only: bool = False,
) -> Cell:
    """A cell that passed everything but the checks in `extra`, which replace those of their name; or `only` those."""
    slow = {"litert-reference": 41.0, "onnxruntime": 0.8}.get(runtime, 1.0)
    ratio = P50_MS[precision] / P50_MS["fp32"]
    drop = {"fp32": 0.0, "int8": 0.3, "int8-io": 0.35}.get(precision, -0.05)
    made = {
        "precision": Check(
            "precision", Outcome.PASSED, metrics={"weights_int8_percent": 99.2, "tensors": 41, "claimed": precision}
        ),
        "parity": Check(
            "parity",
            Outcome.PASSED,
            metrics={"snr_db": SNR_DB[precision], "max_abs": 3.1e-6, "samples": 300, "top1_agreement": 0.9967},
        ),
        "accuracy": Check(
            "accuracy",
            Outcome.PASSED,
            metrics={
                "drop_points": drop,
                "drop_points_low": drop - 0.31,
                "drop_points_high": drop + 0.33,
                "accuracy": 0.91,
                "samples": 2000,
            },
        ),
        "latency": Check(
            "latency",
            Outcome.PASSED,
            metrics={
                "latency_ms_p50": P50_MS[precision] * slow,
                "latency_ms_p90": P50_MS[precision] * slow * 1.21,
                "ratio": ratio,
                "ratio_low": ratio * 0.97,
                "ratio_high": ratio * 1.04,
                "decision": "faster" if ratio < 0.96 else "slower" if ratio > 1.04 else "cannot tell",
            },
        ),
        "size": Check("size", Outcome.PASSED, metrics={"size_bytes": SIZE[precision]}),
    }
    checks = extra if only or not file else tuple({**made, **{check.name: check for check in extra}}.values())
    name = f"fashion-cnn_{framework}_{route}_{precision}.{ {'torchscript': 'pt'}.get(target, target) }" if file else ""
    return Cell("fashion-cnn", framework, route, precision, runtime, target, name, checks)


def _tflite(framework: str, route: str) -> list[Cell]:
    """Fifteen cells: five precisions on three runtimes."""
    cells = []
    for precision in PRECISIONS:
        for runtime in ("litert-xnnpack", "litert-reference", "litert-arm64[cortex-a53]"):
            extra: list[Check] = []
            if "arm64" in runtime:
                cells.append(
                    _cell(framework, route, precision, runtime, Check("run", Outcome.NOT_RUN, (NO_DEVICE,)), only=True)
                )
                continue
            if (framework, precision) == ("tensorflow", "int8-io"):
                extra = [
                    Check("placement", Outcome.NOT_RUN, ("this runtime does not say where it ran",), required=False)
                ]
            if (framework, precision) == ("tensorflow", "int8"):
                reasons = ("the drop of 3.10 points is above the 0.5 allowed (95 % interval 2.2 to 4.0)",)
                metrics = {"drop_points": 3.1, "drop_points_low": 2.2, "drop_points_high": 4.0, "accuracy": 0.88}
                extra = [Check("accuracy", Outcome.FAILED, reasons, metrics)]
            elif (framework, precision, runtime) == ("torch", "int8-io", "litert-reference"):
                extra = [Check("parity", Outcome.CRASHED, (CRASH,))]
            elif (framework, precision, runtime) == ("torch", "dynamic", "litert-reference"):
                extra = [Check("latency", Outcome.TIMED_OUT, ("no end after 300 s",))]
            elif (framework, precision, runtime) == ("torch", "fp16", "litert-xnnpack"):
                metrics = {"snr_db": math.nan, "max_abs": math.inf}
                extra = [Check("parity", Outcome.FAILED, (f"output {HOSTILE!r} holds NaN", "x" * 700), metrics)]
            cells.append(_cell(framework, route, precision, runtime, *extra))
    return cells


def _others() -> list[Cell]:
    """Ten cells of ONNX and TorchScript."""
    cells = []
    for precision in PRECISIONS:
        extra: tuple[Check, ...] = ()
        if precision == "fp32":
            extra = (Check("parity", Outcome.PASSED, metrics={"snr_db": math.inf}),)
        cells.append(_cell("torch", "onnx", precision, "onnxruntime", *extra, target="onnx"))
        checks = (Check("convert", Outcome.UNSUPPORTED, ("TorchScript has no static int8 route",)),)
        if precision in ("fp16", "dynamic"):
            checks = (Check("convert", Outcome.BLOCKED, ("the fp32 file that it starts from was not made",)),)
        made = precision == "fp32"
        cells.append(
            _cell(
                "torch", HOSTILE, precision, "torchscript", *(() if made else checks), target="torchscript", file=made
            )
        )
    return cells


def _artifacts(cells: tuple[Cell, ...]) -> tuple[ArtifactRow, ...]:
    rows = {}
    for cell in cells:
        if cell.artifact:
            rows[cell.artifact] = ArtifactRow(
                cell.artifact, cell.model, cell.framework, cell.route, cell.precision, cell.target,
                SIZE[cell.precision], "ab12" * 16, f"{cell.route} 0.10.0",
            )  # fmt: skip
    return tuple(rows.values())


def _flips(cells: tuple[Cell, ...]):
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (60, 28, 28, 1), np.uint8)
    targets = np.arange(60) % 10
    reference = rng.dirichlet(np.ones(10), 60)
    reference[np.arange(50), targets[:50]] += 1.0
    reference /= reference.sum(axis=1, keepdims=True)
    wrong = reference.copy()
    wrong[:9] = np.roll(wrong[:9], 3, axis=1)
    slightly = reference.copy()
    slightly[52:55] = np.eye(10)[targets[52:55]]
    by_cell = {cells[9].id: wrong, cells[10].id: wrong, cells[24].id: slightly}
    labels = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        HOSTILE,
        "Ankle boot",
    )
    return flips(by_cell, reference, targets, images, labels, limit=24)
