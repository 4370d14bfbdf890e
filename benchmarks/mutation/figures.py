"""The mutation score as figures, and how long a comparison of two files of 60 layers takes, each beside its goal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.mutation.page import totals
from benchmarks.mutation.subjects import DEEP, NETS, made
from benchmarks.mutation.sweep import planned, run, sampled
from benchmarks.workshop import Workshop, command, started
from converters.errors import ToolkitError
from pipeline.lone import toolbox

EVERY = 40
"""Of the faults, and half as many honest changes: enough for the figures; `make mutation` does more."""
LEAST_FAULTS, LEAST_HONEST = 300, 100
DRIFT_S = 10.0
ELSEWHERE_PERCENT = 5.0


def mutation_figures(workshop: Workshop, every: int = EVERY) -> Iterator[Figure]:
    """Faults missed, faults told in another layer, and honest files taken for faulty; over a part of all trials."""
    home = workshop.workspace / "mutation"
    with toolbox() as (pool, limits):
        subjects = [subject for net in NETS.values() for subject in made(net, home / "nets", pool, limits)]
        trials = list(planned(subjects, range(1, 2)))
        chosen = sampled((trial for trial in trials if trial.fault), every)
        chosen += sampled((trial for trial in trials if not trial.fault), every // 2)
        found = totals(run(chosen, home, pool, 2, _say))
    tried = f"{found['faults']} faults of {found['fault_kinds']} kinds in {found['files']} files"
    few = found["faults"] < LEAST_FAULTS or found["honest"] < LEAST_HONEST
    note = f"; fewer than {LEAST_FAULTS} and {LEAST_HONEST} prove little" if few else ""
    missed = 100 * (1 - found["caught"] / max(found["faults"], 1))
    yield Figure("mutation", "faults that drift misses", missed, 0.0, "%", tried + note, broken=few)
    placed = max(found["with_a_layer"], 1)
    elsewhere = 100 * (1 - found["layer_first"] / placed)
    detail = (
        f"the first suspect is the layer in {found['layer_first']} of {placed}, among them in {found['layer_among']}"
    )
    yield Figure("mutation", "faults not told in their layer", elsewhere, ELSEWHERE_PERCENT, "%", detail)
    detail = f"of {found['honest']} of {found['honest_kinds']} kinds"
    yield Figure("mutation", "honest files taken for faulty", float(found["false_alarms"]), 0.0, "", detail, broken=few)


def speed_figures(workshop: Workshop) -> Iterator[Figure]:
    """Seconds of the whole command for pairs of files of 62 layers with weights: alike, int8, another format."""
    home = workshop.workspace / "mutation"
    with toolbox() as (pool, limits):
        files = {subject.path.name: subject.path for subject in made(DEEP, home / "nets", pool, limits)}
    whole = files["litert_from_keras_fp32.tflite"]
    pairs = {
        "of one precision": "litert_from_keras_fp32.tflite",
        "and int8": "litert_from_keras_int8.tflite",
        "and ONNX": "onnx_from_keras_fp32.onnx",
    }
    for words, name in pairs.items():
        other = Path(files[name])
        arguments = command("drift", str(whole), str(other), "--json")
        seconds, done = started(arguments, workshop.folder, capture_output=True)
        if done.returncode not in (0, 1):
            raise ToolkitError(f"edge-export drift ended with exit code {done.returncode}: {done.stderr[-300:]}")
        detail = f"{whole.name} and {other.name}, the whole command, {'PASSED' if done.returncode == 0 else 'FAILED'}"
        yield Figure("drift", f"drift of two files of 60 layers, fp32 {words}", seconds, DRIFT_S, "s", detail)


def _say(text: str) -> None:
    sys.stderr.write(f"... {text}\n")
