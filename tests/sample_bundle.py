"""Bundles made of stand-in files, with everything that a manifest can hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import sample_report

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from pipeline.bundle import BundleContents, artifact_file_name, image_rules
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.report.document import Report
from pipeline.store import file_sha256

LABELS = ("T-shirt/top", "Trouser", "模型")
SOURCE = Signature(
    (TensorSpec("image", (1, 1, 28, 20), "float32", "NCHW", meaning="image"),),
    (TensorSpec("logits", (1, 3), "float32", "NC", meaning="logits"),),
)
FLOAT = Signature(
    (TensorSpec("image", (1, 28, 20, 1), "float32", "NHWC", meaning="image"),),
    (TensorSpec("logits", (1, 3), "float32", "NC", meaning="logits"),),
)
INT8 = Signature(
    (TensorSpec("image", (1, 28, 20, 1), "int8", "NHWC", 1.0, -128, "image"),),
    (TensorSpec("logits", (1, 3), "int8", "NC", 0.125, 3, "logits"),),
)


def artifact(path: Path, precision: str = "fp32", signature: Signature = FLOAT, **changes: object) -> Artifact:
    """An artifact whose file is at `path`, TFLite unless said otherwise."""
    made = Artifact(
        path=path,
        format=Format.TFLITE,
        precision=Precision(precision),
        signature=signature,
        source=SOURCE,
        model="fashion-cnn",
        framework="torch",
        route="litert",
        producer="litert-torch 0.10.0",
        versions={"litert-torch": "0.10.0", "ai-edge-litert": "2.3.0"},
        sha256=file_sha256(path),
        graph_hash="9" * 64,
        size_bytes=path.stat().st_size,
        builder="somebody/model.py:build",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def report_on(artifacts: list[Artifact], outcome: Outcome = Outcome.PASSED) -> Report:
    """A report in which every artifact met that outcome in one runtime."""
    reasons = () if outcome is Outcome.PASSED else ("a reason",)
    cells = tuple(
        Cell(
            one.model,
            one.framework,
            one.route,
            one.precision.value,
            "litert-xnnpack",
            one.format.value,
            artifact_file_name(one.model, one.framework, one.route, one.precision.value, one.format.value),
            (Check("parity", outcome, reasons, {"snr_db": 100.0}),),
        )
        for one in artifacts
    )
    return dataclasses.replace(sample_report.empty(), title="fashion-cnn", cells=cells)


def contents(folder: Path, **changes: object) -> BundleContents:
    """Two artifacts and their evidence, as files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.tflite").write_bytes(b"float model" * 100)
    (folder / "b.tflite").write_bytes(b"int8 model" * 10)
    (folder / "gates.toml").write_text("[parity.fp32]\nmin_snr_db = 100.0\n")
    (folder / "golden.safetensors").write_bytes(b"golden")
    artifacts = [artifact(folder / "a.tflite"), artifact(folder / "b.tflite", "int8-io", INT8)]
    made = BundleContents(
        artifacts=artifacts,
        golden={"torch": folder / "golden.safetensors"},
        labels=LABELS,
        gates=folder / "gates.toml",
        report=report_on(artifacts),
        preprocessing={"image": image_rules(SOURCE.inputs[0], note="Light clothes on black.")},
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]
