"""Judges finished artifacts anew, on this machine: by golden data and a bundle's own gates, or one file by itself."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Format, Precision, RuntimeSpec, TensorSpec
from converters.device import split_name
from converters.errors import EdgeExportError, ModelError, UnavailableError, UnsupportedError, UsageError
from converters.inspection import Inspection
from converters.worker import WorkerPool
from pipeline import apps, config, golden
from pipeline.asking import run
from pipeline.bundle import is_archive, open_bundle, unpacked
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.gates import Gates, parse_gates
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.checks.sequence import Fed
from pipeline.checks.verdict import Evidence, Golden, Home, judge, judge_unmade
from pipeline.config import Limits
from pipeline.drift import tried
from pipeline.golden import GoldenPack
from pipeline.golden_inputs import NO_LABEL
from pipeline.lone import cpu_runtimes, inputs_for, inspect_file, named_runtimes, open_artifact
from pipeline.phones import require_bundle, self_checked
from pipeline.phones import split as phones_of
from pipeline.plausible import constant, settled
from pipeline.report.document import Report
from pipeline.trial import Subject, prepare
from pipeline.yardstick import check_yardstick, choose, fed_back, parity_with_nothing

XNNPACK = "xnnpack"
"""As placements name the kernels of this CPU that a file may use or not."""
MADE_UP = ("golden", "random")
"""What `inputs` may say where there is no golden data: both mean made-up inputs."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is judged, and on what.

    `inputs` is `golden`, `random`, or a file, as for `compare`; a bundle always brings its own pack. `sizes` are the
    inputs that the user describes. `runtimes`, families or full names, are those of this machine's CPU where none is
    named. `own_gates`: the user gave gates, which judge a bundle instead of its own. `inside`: a file of a bundle is
    held against the fp32 file that it was made from, layer by layer.
    """

    path: Path
    inputs: str
    gates: Gates
    own_gates: bool = False
    runtimes: tuple[str, ...] = ()
    sizes: tuple[TensorSpec, ...] = ()
    inside: bool = True


def revalidate(wanted: Wanted, pool: WorkerPool, limits: Limits) -> Iterator[Cell]:
    """A cell for every artifact and runtime, as each is done.

    Raises:
        ModelError: a bundle or file that is missing or damaged.
        UsageError: a runtime that does not exist or opens none of the files.
    """
    named = [spec for name in wanted.runtimes for spec in named_runtimes(name)] if wanted.runtimes else None
    named, phones = phones_of(named) if named is not None else (None, [])
    told = {spec.name: apps.report(spec, wanted.path) for spec in named or () if _asked(spec, wanted.path)}
    bench = _Bench(wanted.gates, named, pool, limits, told=told)
    with unpacked(wanted.path) if is_archive(wanted.path) else contextlib.nullcontext(wanted.path) as path:
        yield from _cells(wanted, path, bench, phones)


def _cells(wanted: Wanted, path: Path, bench: _Bench, phones: Sequence[RuntimeSpec]) -> Iterator[Cell]:
    """The cells of what lies at `path`."""
    done, pool, limits = 0, bench.pool, bench.limits
    if _is_bundle(path):
        bundle = open_bundle(path)
        if not wanted.own_gates:  # a bundle of an older version lacks the keys that came since: they are as here
            bench.gates = parse_gates(wanted.gates.to_json(), config.read_toml(bundle.gates))
        bench.siblings = bundle.artifacts if wanted.inside else ()
        ours = bundle.artifacts if bench.named is None or bench.named else ()  # a device reads the golden packs itself
        packs = {name: golden.read(bundle.golden[name]) for name in {each.framework for each in ours}}
        cells: Iterator[Cell] = (cell for each in ours for cell in bench.by_pack(each, packs[each.framework]))
        if phones:
            require_bundle(phones, "", own_gates=wanted.own_gates)
            cells = itertools.chain(cells, self_checked(bundle, phones, limits.measure_s))
    else:
        if phones:
            require_bundle(phones, str(path), own_gates=wanted.own_gates)
        artifact, of_bundle = open_artifact(path, pool, limits, wanted.sizes)
        if artifact.source.inputs:
            artifact = settled(artifact, [spec for spec in wanted.sizes if not _written(spec, artifact)])
        pack = _pack(wanted.inputs, of_bundle)
        bench.siblings = open_bundle(path.parent).artifacts if of_bundle and wanted.inside else ()
        cells = bench.by_pack(artifact, pack) if pack else bench.by_itself(artifact, wanted.inputs)
    for cell in cells:
        done += 1
        yield cell
    if not done:
        raise UsageError(f"none of {', '.join(wanted.runtimes)} opens what {path} holds")


def _written(spec: TensorSpec, artifact: Artifact) -> bool:
    """Whether an input is no more, because its value was written into the file."""
    return constant(spec) and artifact.format is Format.TORCHSCRIPT


def _is_bundle(path: Path) -> bool:
    """Whether a path is to be a bundle; a Mac takes the Manifest.json of a Core ML package for one's."""
    return path.is_dir() and path.suffix != Format.COREML.suffix and not (path / "saved_model.pb").exists()


def _asked(spec: RuntimeSpec, path: Path) -> bool:
    """Whether the app behind a runtime is here, and has a bundle to say something of."""
    here = spec.device is not None and not spec.device.missing
    return bool(spec.app) and here and (_is_bundle(path) or is_archive(path))


def exit_code(cells: Sequence[Cell]) -> int:
    """0 when every cell passed, else 1."""
    return 0 if all(cell.outcome is Outcome.PASSED for cell in cells) else 1


def _pack(wanted: str, of_bundle: Path | None) -> GoldenPack | None:
    """The golden data to judge by, where there is any: inputs with the outputs that are right."""
    if wanted in MADE_UP:
        return golden.read(of_bundle) if of_bundle and wanted == "golden" else None
    with contextlib.suppress(ModelError):
        return golden.read(Path(wanted))
    return None


@dataclasses.dataclass
class _Bench:
    """Runs artifacts on runtimes and judges what they give."""

    gates: Gates
    named: Sequence[RuntimeSpec] | None
    pool: WorkerPool
    limits: Limits
    siblings: Sequence[Artifact] = ()
    told: Mapping[str, Report] = dataclasses.field(default_factory=dict)

    def by_pack(self, artifact: Artifact, pack: GoldenPack) -> Iterator[Cell]:
        """Cells judged by the framework's own outputs."""
        known = Golden(pack.inputs, pack.outputs, pack.label, pack.at_limits, pack.exercise, pack.made_up)
        given: dict[str, Arrays | EdgeExportError] = {}

        def outputs(spec: RuntimeSpec) -> Arrays | EdgeExportError:
            if spec.name not in given:
                try:
                    given[spec.name] = run(artifact, pack.inputs, pack.signature, spec, self.pool, self.limits)
                except EdgeExportError as error:
                    given[spec.name] = error
            return given[spec.name]

        specs = self._runtimes(artifact.format)
        layers = self._layers(artifact, pack.inputs) if specs else None
        for spec in specs:
            home = cpu_runtimes(artifact.format)[0]
            beside = Home(home.name, outputs(home)) if spec.name != home.name else None
            checks = self._judge(artifact, spec, known, outputs(spec), beside, layers=layers)
            app = apps.beside(self.told.get(spec.name), artifact.path.name, checks)
            yield self._cell(artifact, spec, [*checks, *app])

    def by_itself(self, artifact: Artifact, inputs: str) -> Iterator[Cell]:
        """Cells judged by what the same file gives on other kernels of this machine's CPU."""
        specs = self._runtimes(artifact.format)
        if not specs:
            return
        given = None if inputs in MADE_UP else inputs_for(artifact, inputs, [])
        gate = self.gates.parity[artifact.precision]
        try:
            subject = prepare(artifact, given, gate, self.pool, self.limits)
        except UnsupportedError as error:
            yield from (self._cell(artifact, spec, judge_unmade("inputs", error)) for spec in specs)
            return
        for spec in specs:
            yield self._cell(artifact, spec, self._across(subject, spec))

    def _across(self, subject: Subject, spec: RuntimeSpec) -> list[Check]:
        """The checks of a runtime against the yardstick; `accuracy` has no labels, and no option would bring them."""
        no_labels = Check("accuracy", Outcome.NOT_RUN, ("a file alone has no labelled data",), required=False)
        return [no_labels if check.name == "accuracy" else check for check in self._measured(subject, spec)]

    def _measured(self, subject: Subject, spec: RuntimeSpec) -> tuple[Check, ...]:
        artifact, got, picked = subject.artifact, subject.outputs(spec), subject.samples(spec)
        inputs = {name: values[picked] for name, values in subject.inputs.items()}
        known = Golden(inputs, {}, np.full(len(picked), NO_LABEL), np.zeros(len(picked), dtype=bool))
        if isinstance(got, EdgeExportError):
            return check_yardstick(subject, spec, None), *self._judge(artifact, spec, known, got)
        yardstick = choose(subject, spec)
        measured_by = check_yardstick(subject, spec, yardstick)
        if yardstick.runtime is None:
            gate = self.gates.parity[artifact.precision]
            parity = parity_with_nothing(subject, got, gate)
            checks = self._judge(artifact, spec, known, got)
            return measured_by, *(parity if check.name == "parity" else check for check in checks)
        known = dataclasses.replace(known, outputs=yardstick.outputs)
        home = cpu_runtimes(artifact.format)[0]
        beside = Home(home.name, yardstick.outputs) if yardstick.runtime.name == home.name else None
        fed = fed_back(subject, spec, yardstick.runtime)
        return measured_by, *self._judge(artifact, spec, known, got, beside, alone=True, fed=fed)

    def _judge(
        self,
        artifact: Artifact,
        spec: RuntimeSpec,
        known: Golden,
        got: Arrays | EdgeExportError,
        beside: Home | None = None,
        *,
        alone: bool = False,
        layers: Drift | EdgeExportError | None = None,
        fed: Fed | EdgeExportError | None = None,
    ) -> list[Check]:
        evidence = Evidence(
            precision=artifact.precision,
            runtime=spec.name,
            outputs=artifact.source.outputs,
            kept=artifact.kept,
            golden=known,
            golden_got=got,
            inspection=self._inspection(artifact),
            size_bytes=artifact.size_bytes,
            placement=got if isinstance(got, EdgeExportError) else self._placement(artifact, spec),
            home=beside,
            on_device=spec.device is not None,
            alone=alone,
            arithmetic=registry.arithmetic(spec),
            emulated=spec.device.name if spec.device and spec.device.emulated else "",
            drift=layers,
            fed=fed,
        )
        told = () if artifact.producer else self._told(spec)
        checks = judge(evidence, self.gates)
        return [dataclasses.replace(c, required=c.required and c.name not in told) for c in checks]

    def _told(self, spec: RuntimeSpec) -> tuple[str, ...]:
        """The checks that do not colour a cell where no manifest claims anything.

        The precision is our guess, what the file says of versions its publisher's; and what XNNPACK leaves runs on the
        same CPU, of which nobody promised speed.
        """
        gate = self.gates.placement.get(split_name(spec.name)[0])
        told = ("precision", "requirements")
        return (*told, "placement") if gate and gate.device == XNNPACK else told

    def _layers(self, artifact: Artifact, inputs: Arrays) -> Drift | EdgeExportError | None:
        """A file of a bundle beside the fp32 file of its route; None where there is no bundle, or nobody asks."""
        if not self.siblings:
            return None
        route = artifact.framework, artifact.route, artifact.format, Precision.FP32
        for other in self.siblings if artifact.precision is not Precision.FP32 else ():
            if (other.framework, other.route, other.format, other.precision) == route:
                found = tried(other, artifact, inputs, self.pool, self.limits)
                if isinstance(found, EdgeExportError):
                    return found
                return dataclasses.replace(found, a=other.path.name, b=artifact.path.name)
        return UnavailableError(
            f"what {artifact.path.name} was made from is not in the bundle, whose report says how they compared; "
            "`edge-export drift file.py:function FILE` compares them here"
        )

    def _runtimes(self, format: Format) -> list[RuntimeSpec]:
        found = self.named if self.named is not None else [s for s in cpu_runtimes(format) if not s.yardstick]
        return [spec for spec in found if format in spec.formats]

    def _inspection(self, artifact: Artifact) -> Inspection | EdgeExportError:
        try:
            return inspect_file(artifact.path, self.pool, self.limits)
        except EdgeExportError as error:
            return error

    def _placement(self, artifact: Artifact, spec: RuntimeSpec) -> list[tuple[str, str]] | EdgeExportError:
        try:
            placed: list[tuple[str, str]] = self.pool.call(
                spec.worker, "converters.job:placement", self.limits.inspect_s, runtime=spec.name, artifact=artifact
            )
        except EdgeExportError as error:
            return error
        return placed

    def _cell(self, artifact: Artifact, spec: RuntimeSpec, checks: Sequence[Check]) -> Cell:
        return Cell(
            model=artifact.model,
            framework=artifact.framework,
            route=artifact.route,
            precision=artifact.precision.value,
            runtime=spec.name,
            target=artifact.format.value,
            artifact=artifact.path.name,
            checks=tuple(checks),
        )
