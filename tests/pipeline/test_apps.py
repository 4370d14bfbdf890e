"""What an app says of a bundle beside what this side found: the same, or the check `app` says where not."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import app_bundle
import numpy as np
import pytest
import sample_report

from converters.android import jvm
from pipeline import apps, cli
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.report.document import Report

PARITY = Check("parity", Outcome.PASSED, (), {"samples": 48, "snr_db": 130.0, "worst_sample": 3})


def told(*checks: Check) -> Report:
    cell = Cell("digits", "torch", "litert", "fp32", "android-jvm[JVM,tflite]", "tflite", "a.tflite", checks)
    return dataclasses.replace(sample_report.empty(), cells=(cell,))


def test_an_app_that_says_the_same() -> None:
    near = dataclasses.replace(PARITY, metrics={**PARITY.metrics, "snr_db": 130.0 + 1e-6})
    pictures = Check("pictures", Outcome.PASSED)
    assert [c.name for c in apps.beside(told(near, pictures), "a.tflite", [PARITY])] == ["pictures", "app"]
    (check,) = apps.beside(told(near), "a.tflite", [PARITY])
    assert (check.outcome, check.metrics) == (Outcome.PASSED, {"rows": 1, "metrics_compared": 3})


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (Check("parity", Outcome.FAILED, ("far",)), r"says FAILED of parity \(far\), this side PASSED"),
        (dataclasses.replace(PARITY, metrics={**PARITY.metrics, "snr_db": 129.9}), "says snr_db is 129.9, this side 1"),
        (dataclasses.replace(PARITY, metrics={"samples": 48, "snr_db": 130.0}), "says worst_sample is None, this si"),
        (dataclasses.replace(PARITY, metrics={**PARITY.metrics, "samples": 47}), "says samples is 47, this side 48"),
        (Check("other", Outcome.PASSED), "the app did not judge parity"),
    ],
)
def test_an_app_that_says_something_else_fails(theirs: Check, reason: str) -> None:
    check = apps.beside(told(theirs), "a.tflite", [PARITY])[-1]
    assert check.outcome is Outcome.FAILED
    assert re.search(reason, " ".join(check.reasons))


def test_an_artifact_that_the_app_left_out_fails() -> None:
    (check,) = apps.beside(told(PARITY), "b.tflite", [PARITY])
    assert (check.outcome, check.reasons) == (Outcome.FAILED, ("the app's report has no row for b.tflite",))


def test_no_app_no_check() -> None:
    assert apps.beside(None, "a.tflite", [PARITY]) == []


def validated(path: Path) -> tuple[int, str, list[dict[str, Any]]]:
    """(exit code, the error's sentence, cells) of `validate --runtime android-jvm`."""
    words = ["validate", str(path), "--runtime", "android-jvm", "--no-drift", "--json"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        cli.main(words)
    document = json.loads(out.getvalue())
    return int(end.value.code or 0), document.get("error", {}).get("message", ""), document.get("cells", [])


@pytest.fixture
def bundle(app_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(jvm.VARIABLE, str(app_program))
    return app_bundle.write(tmp_path)


def test_validate_runs_the_app(bundle: Path, tmp_path: Path) -> None:
    for path in (bundle, app_bundle.zipped(bundle, tmp_path / "b.zip")):
        code, said, (cell,) = validated(path)
        outcomes = {check["name"]: check["outcome"] for check in cell["checks"]}
        assert (cell["runtime"], cell["outcome"]) == ("android-jvm[JVM]", "PASSED"), cell["reasons"]
        assert {outcomes[name] for name in ("parity", "kernels", "pictures", "app")} == {"PASSED"}
        assert outcomes["latency"] == "NOT_RUN"
        assert cell["metrics"]["app.metrics_compared"] >= 8
        assert code == 0, said


def nan(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    arrays["output/logits"] = np.where(np.arange(10) == 3, np.nan, arrays["output/logits"]).astype(np.float32)


def nothing(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    for name, values in arrays.items():
        arrays[name] = values[:0]


def another_layout(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    arrays["input/image"] = np.moveaxis(arrays["input/image"], 2, -1).copy()
    signature = json.loads(metadata["signature"])
    signature["inputs"][0].update(layout="NHWC", shape=[1, 8, 8, 1])
    metadata["signature"] = json.dumps(signature)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (nan, "proves nothing: `output/logits` holds NaN or Inf (first in sample 0)"),
        (nothing, "proves nothing: it holds 0 samples"),
        (another_layout, "its input is `image` float32[1, 8, 8, 1] NHWC and that of"),
    ],
)
def test_golden_packs_that_prove_nothing(bundle: Path, change: Any, sentence: str) -> None:
    app_bundle.repack(bundle, change)
    code, said, _ = validated(bundle)
    assert code == 4
    assert sentence in said


def test_bundles_that_are_refused(bundle: Path, tmp_path: Path) -> None:
    def refused(code: int, sentence: str, path: Path = bundle) -> None:
        found, said, _ = validated(path)
        assert (found, sentence in said) == (code, True), said
        assert "Traceback" not in said
        assert "Exception" not in said

    labels = (bundle / "labels.txt").read_bytes()
    app_bundle.put(bundle, "labels.txt", b"".join(b"class %d\n" % i for i in range(1001)))
    refused(4, "has 1001 labels for 10 classes; write one name a line into labels.txt")
    (bundle / "labels.txt").unlink()
    refused(5, "lacks the file `labels.txt`; copy the whole bundle again")
    app_bundle.put(bundle, "labels.txt", labels)

    model = (bundle / app_bundle.FILE).read_bytes()
    (bundle / app_bundle.FILE).write_bytes(model[:-9] + bytes([model[-9] ^ 1]) + model[-8:])
    refused(5, "is not the file that was written: its sha256 differs")
    (bundle / app_bundle.FILE).write_bytes(model)

    app_bundle.edit(bundle, lambda manifest: manifest.update(schema_version=99))
    refused(5, "is written by schema version 99 and this app reads versions 1 to 2; update the app")
    (tmp_path / "empty.zip").write_bytes(b"PK\5\6" + bytes(18))
    refused(5, "is an empty .zip; copy the whole bundle again", tmp_path / "empty.zip")
