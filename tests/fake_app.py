"""What a fake device starts in the place of the app: `fake_app.py HOW BUNDLE OUT`, HOW being a way to behave."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def report(bundle: Path, how: str) -> dict:
    """The report of a phone on which every artifact that the app knows passes."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    known = [each for each in manifest["artifacts"] if each["format"] in ("tflite", "onnx")]
    told = known[1:] if how == "leaves-out" else known
    outcome = "FAILED" if how == "fails" else "PASSED"
    cells = [cell(each, outcome) for each in told]
    rows = [
        {name: each[name] for name in ("model", "framework", "route", "precision", "format", "size_bytes", "sha256")}
        | {"file": each["file"], "producer": ""}
        for each in known
    ]
    if how == "other-bytes":
        rows[0]["sha256"] = "0" * 64
    outcomes = ("PASSED", "FAILED", "UNDECIDED", "CRASHED", "TIMED_OUT", "UNSUPPORTED", "NOT_RUN", "BLOCKED")
    return {
        "schema_version": 99 if how == "newer" else 2,
        "outcome": outcome,
        "counts": {name: sum(each["outcome"] == name for each in cells) for name in outcomes},
        "title": "self-check",
        "created": "2026-01-01T00:00:00+00:00",
        "command": "self-check",
        "environment": {},
        "gates": {},
        "models": [],
        "artifacts": rows,
        "cells": cells,
    }


def cell(artifact: dict, outcome: str) -> dict:
    reasons = ["snr_db 3.0 < 90"] if outcome == "FAILED" else []
    checks = [
        {"name": "parity", "outcome": outcome, "required": True, "reasons": reasons, "metrics": {"snr_db": 120.5}},
        {"name": "latency", "outcome": "PASSED", "required": False, "reasons": [], "metrics": {"latency_ms_p50": 1.5}},
    ]
    name = "_".join(artifact[key] for key in ("model", "framework", "route", "precision"))
    runtime = "android[Pixel 8,tflite]"
    return {
        **{key: artifact[key] for key in ("model", "framework", "route", "precision")},
        "id": f"{name}@{runtime}",
        "runtime": runtime,
        "target": artifact["format"],
        "artifact": artifact["file"],
        "outcome": outcome,
        "reasons": [f"parity: {reason}" for reason in reasons],
        "metrics": {"parity.snr_db": 120.5, "latency.latency_ms_p50": 1.5},
        "checks": checks,
    }


def main(how: str, bundle: Path, out: Path) -> None:
    print("I/edge-export( 4711): step 1/2 first", flush=True)  # noqa: T201 - the log
    if how == "crashes":
        print("E/AndroidRuntime( 4711): java.lang.IllegalStateException: planted", flush=True)  # noqa: T201
        sys.exit(1)
    if how == "cannot-write":
        print("E/edge-export( 4711): self-check failed: no space is left", flush=True)  # noqa: T201
    if how in ("hangs", "cannot-write"):
        time.sleep(600)
    text = "{half a document" if how == "garbage" else json.dumps(report(bundle, how))
    if how == "refuses":
        text = json.dumps({"error": "the file `a.tflite` was changed: its sha256 is another one"})
    if how == "list":
        text = "[]"
    new = out.with_suffix(".new")
    new.write_text(text)
    new.replace(out)
    print("I/edge-export( 4711): self-check done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
