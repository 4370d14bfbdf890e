"""What a finished file is judged by where nobody has golden data: itself on other kernels of this machine's CPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converters.carry import STEPS, pairs
from converters.contract import Arrays, RuntimeSpec
from converters.device import split_name
from converters.errors import EdgeExportError
from pipeline.checks.conditioning import NUDGE, floats, noise
from pipeline.checks.gates import ParityGate
from pipeline.checks.outcome import Check, Metric, Outcome
from pipeline.checks.parity import check_parity
from pipeline.checks.sequence import Fed
from pipeline.lone import cpu_runtimes
from pipeline.plausible import described
from pipeline.telling import steps
from pipeline.trial import Subject

FEW_STEPS = 32
"""Of an 8-bit output: below, the steps that honest kernels differ by weigh as much as faults."""


@dataclass(frozen=True)
class Yardstick:
    """The runtime whose outputs count as right for another; where there is none, why not."""

    runtime: RuntimeSpec | None
    outputs: Arrays
    why_none: str = ""


def choose(subject: Subject, judged: RuntimeSpec) -> Yardstick:
    """What a runtime is judged by: the first of this CPU that runs the file on other kernels.

    More threads or another device are judged by the plain runtime; the plain one by another family, for its own
    variants compute alike.
    """
    there = cpu_runtimes(subject.artifact.format)
    names = [spec.name for spec in there]
    before = names.index(judged.name) if judged.name in names else len(names)
    family = split_name(judged.name)[0]
    fit = [s for place, s in enumerate(there) if place < before or split_name(s.name)[0] != family]
    refused = []
    for spec in fit:
        outputs = subject.outputs(spec)
        if not isinstance(outputs, EdgeExportError):
            return Yardstick(spec, {name: values[subject.samples(judged)] for name, values in outputs.items()})
        refused.append(f"{spec.name}: {outputs}".replace(f"{spec.name}: {spec.name}", spec.name))
    why = "; ".join(refused) or f"no other runs {subject.artifact.format} files"
    return Yardstick(
        None,
        {},
        f"no other kernels of this CPU run the file, so that nothing says what is right ({why}); give golden data with "
        "--inputs FILE, or lay it beside a file that is right: edge-export compare",
    )


def fed_back(subject: Subject, judged: RuntimeSpec, by: RuntimeSpec) -> Fed | EdgeExportError | None:
    """Sequences in which a model's own state goes back in, on a runtime and on the one that it is judged `by`.

    None where no output is named like a state that goes in, where the file keeps its state itself, and on an emulator,
    which is given too few samples.
    """
    carried = pairs(subject.artifact.source)
    count = len(next(iter(subject.inputs.values())))
    if not carried or subject.found.stateful or len(subject.samples(judged)) < count:
        return None
    right, got = subject.sequences(by, carried), subject.sequences(judged, carried)
    moved = subject.sequences(by, carried, NUDGE)
    if isinstance(right, EdgeExportError):
        return right
    if isinstance(moved, EdgeExportError):
        return moved
    if isinstance(got, EdgeExportError):
        return got
    return Fed(right, got, carried, STEPS, noise(right, moved, floats(subject.artifact.source.outputs)))


def check_yardstick(subject: Subject, judged: RuntimeSpec, yardstick: Yardstick | None) -> Check:
    """The check `yardstick`: what was judged by what, on which inputs. None where the runtime gave nothing to judge."""
    specs = subject.artifact.source.inputs
    count = len(subject.samples(judged))
    metrics: dict[str, Metric] = {
        "samples": count,
        "inputs": subject.origin,
        **{f"input.{spec.name}": described(spec) for spec in specs},
        "stateful": subject.found.stateful,
    }
    notes: tuple[str, ...] = ()
    if subject.found.stateful:
        notes = (f"stateful: two equal calls differ; {count} samples as one sequence from a fresh state",)
    if yardstick is None:
        reason = "nothing to measure: see `parity`"
        return Check("yardstick", Outcome.BLOCKED, (reason, *notes), metrics, required=False)
    if yardstick.runtime is None:
        return Check("yardstick", Outcome.NOT_RUN, (yardstick.why_none, *notes), metrics)
    spanned = steps(subject.artifact, yardstick.outputs)
    if spanned < FEW_STEPS:
        notes += (
            f"an 8-bit output spans {spanned:.0f} steps on these inputs: one step, which honest kernels differ by, "
            f"is {1 / max(spanned, 1):.0%} of that; give inputs on which it moves (--inputs FILE)",
        )
    akin = yardstick.runtime.yardstick or judged.yardstick
    if akin and _equal(subject.outputs(judged), yardstick.outputs):
        notes += (
            "both agree bit for bit: where they ran the same kernels, that proves that the file loads and repeats",
        )
    right = f"right is what {yardstick.runtime.name} computes from the same file: no golden data or labels are known"
    return Check("yardstick", Outcome.PASSED, (right, *notes), {"runtime": yardstick.runtime.name, **metrics})


def parity_with_nothing(subject: Subject, got: Arrays, gate: ParityGate) -> Check:
    """The check `parity` of outputs that nothing is known about: FAILED where they prove nothing, else NOT_RUN."""
    alone = check_parity(got, got, subject.artifact.source.outputs, gate)
    if alone.outcome is not Outcome.PASSED:
        return alone
    return Check("parity", Outcome.NOT_RUN, ("it runs, its outputs are finite and follow the inputs; see `yardstick`",))


def _equal(own: Arrays | EdgeExportError, others: Arrays) -> bool:
    return not isinstance(own, EdgeExportError) and all(np.array_equal(own[name], others[name]) for name in own)
