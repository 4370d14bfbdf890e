"""Which cells a run has, and which tasks make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from converters import registry
from converters.contract import CALIBRATED, Format, Framework, Precision, RuntimeSpec
from converters.device import split_name
from converters.errors import EdgeExportError, UsageError
from pipeline import config, recipes
from pipeline.bundle import artifact_file_name, slug
from pipeline.config import Configs, ModelConfig
from pipeline.drift import drift_of
from pipeline.request import Request, devices_of, frameworks_of, name_of, precisions_of, start_of, targets_of
from pipeline.routes import Route, is_best
from pipeline.stages.convert import calibration_task, convert_task
from pipeline.stages.data import data_task
from pipeline.stages.drift import drift_task
from pipeline.stages.reference import reference_task
from pipeline.stages.source import file_task
from pipeline.stages.train import capture_task, train_task
from pipeline.stages.validate import inspect_task, latency_task, measure_task
from pipeline.task import Task
from pipeline.wanted import not_weighed, wanted_routes

_LOOK = partial(drift_of, layers=True)


@dataclass(frozen=True)
class PlannedCell:
    """A cell before it is run, and the tasks that tell what becomes of it.

    `home` is the measurement of the same file on the first runtime of its target, none where the cell is that one.
    An emulated device has no `timing`: its seconds say nothing. `drift` holds the file against its origin, or says why
    that cannot be; `origin` holds that origin against the framework's model, where it is another file.
    """

    route: Route
    runtime: RuntimeSpec
    file: str
    artifact: Task
    inspection: Task
    measurement: Task
    timing: Task | None
    baseline: Task
    home: Task | None
    home_runtime: str
    drift: Task | EdgeExportError
    origin: Task | None


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do, before any of it is done.

    `best`: of the routes to one file, the one is taken that measurements speak for; else all of them.
    """

    model: str
    data: Task | None
    sources: Mapping[Framework, Task]
    references: Mapping[Framework, Task]
    cells: tuple[PlannedCell, ...]
    notes: tuple[str, ...]
    best: bool = False

    def tasks(self) -> list[Task]:
        """Every task of the plan, in the order of the stages."""
        return [*self.first(), *proofs(self.cells)]

    def first(self) -> list[Task]:
        """What comes before any cell: data, models, what counts as right, and the files."""
        data = [self.data] if self.data else []
        return [*data, *self.sources.values(), *self.references.values(), *(cell.artifact for cell in self.cells)]


def proofs(cells: Sequence[PlannedCell]) -> list[Task]:
    """What verdicts on cells are made from, in the order of the stages."""
    return [
        *(task for cell in cells for task in (cell.inspection, cell.measurement)),
        *(cell.timing for cell in cells if cell.timing),
        *(task for cell in cells for task in (cell.origin, cell.drift) if isinstance(task, Task)),
    ]


def make_plan(request: Request, configs: Configs) -> Plan:
    """The cells and tasks of a request.

    Raises:
        UsageError: a target, framework, precision or model that does not exist, or nothing that can be made.
        DataError: a data set that does not exist.
    """
    targets = targets_of(request.targets, configs, own_model=request.own_model)
    configs, made_by_recipe = recipes.applied(configs, request.recipe, request.keep)
    configs = configs if request.prepass else recipes.without_prepass(configs)
    precisions = precisions_of(request.precisions)
    if made_by_recipe and not request.precisions:
        precisions = (Precision.FP32, made_by_recipe)
    devices = devices_of(request.devices, configs)
    model = None if request.own_model else config.load_model(request.model)
    start = start_of(request)
    frameworks = frameworks_of(request, model, start)
    name = slug(name_of(request, model))
    data = _data(request, model, configs)
    sources: dict[Framework, Task] = {}
    for framework in frameworks:
        if model is not None:
            assert data is not None
            sources[framework] = train_task(model, framework, data, configs.limits, name=name, full=request.full)
        elif start is not None:
            assert request.file is not None
            sources[framework] = file_task(request.file, start, request.inputs, configs.limits, name=name)
        else:
            sources[framework] = capture_task(request.model, framework, request.inputs, configs.limits, name=name)
    pack = model or ModelConfig
    references = {
        framework: reference_task(
            source,
            data,
            configs.limits,
            golden_samples=pack.golden_samples,
            golden_bytes=pack.golden_bytes,
            state=request.state,
        )
        for framework, source in sources.items()
    }
    notes = [] if request.targets else [f"no --target was given: {', '.join(targets)} are made; --target all makes all"]
    cells: list[PlannedCell] = []
    for framework in frameworks:
        beside = [other for other in frameworks if other is not framework]
        chosen, missing = wanted_routes(framework, targets, precisions, request.routes, configs, start, beside)
        notes += missing
        branch = _Branch(name, sources[framework], references[framework], data, configs, devices, request.state)
        for route in chosen:
            made = branch.cells(route, chosen)
            cells += made
            if request.keep and made and route.precision is not Precision.FP32:
                recipes.require_keep({made[0].file: route.edges[-1]})
            notes += [] if made else [branch.why_not(route)]
    if not cells:
        raise UsageError(f"nothing can be made of this request: {'; '.join(notes)}. `edge-export routes` shows the way")
    best = is_best(request.routes)
    notes += not_weighed(frameworks, targets, configs, start) if best else []
    return Plan(name, data, sources, references, tuple(cells), tuple(notes), best)


def _data(request: Request, model: ModelConfig | None, configs: Configs) -> Task | None:
    """The data asked for, else the reference model's own; none where a model is the user's and comes without."""
    spec = request.data or (model.dataset if model else "")
    if not spec:
        return None
    limit_s = configs.limits.reference_s
    return data_task(
        spec,
        full=request.full,
        image_size=request.image_size,
        labels=request.labels,
        preprocessing=request.preprocessing,
        limit_s=limit_s,
    )


@dataclass(frozen=True)
class _Branch:
    """Makes the tasks of one framework's routes; tasks of one name are one task."""

    model: str
    source: Task
    reference: Task
    data: Task | None
    configs: Configs
    devices: tuple[str, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)

    def cells(self, route: Route, chosen: Sequence[Route]) -> list[PlannedCell]:
        artifact = self._artifact(route)
        base = next((r for r in chosen if _chain(r) == _chain(route) and r.precision is Precision.FP32), route)
        baseline = self._artifact(base)
        runtimes = self._runtimes(route)
        if not runtimes:
            return []
        home, *others = runtimes
        at_home = self._measurement(artifact, home)
        drift, origin = self._drift(route, chosen)
        cells = []
        for runtime in (home, *others):
            limits = self.configs.limits
            cells.append(
                PlannedCell(
                    route=route,
                    runtime=runtime,
                    file=f"{self._identity(route)}{route.target.suffix}",
                    artifact=artifact,
                    inspection=inspect_task(artifact, registry.inspector(route.target), limits),
                    measurement=at_home if runtime == home else self._measurement(artifact, runtime),
                    timing=self._timing(artifact, baseline, runtime),
                    baseline=baseline,
                    home=None if runtime == home else at_home,
                    home_runtime=home.name,
                    drift=drift,
                    origin=origin,
                )
            )
        return cells

    def _runtimes(self, route: Route) -> list[RuntimeSpec]:
        """Those that are always proved, home first, then those of the devices asked for; of a file made for one, that.

        None for a file that is made for a device which nobody asks for.
        """
        targets = [target for target in self.configs.targets.values() if target.format == route.target]
        found = [registry.runtime(name) for target in targets for name in target.runtimes]
        named = [name for target in targets for group in self.devices for name in target.devices.get(group, ())]
        found += [spec for name in named for spec in registry.select(name)]
        fit = [spec for spec in found if not route.runtimes or split_name(spec.name)[0] in route.runtimes]
        return list({spec.name: spec for spec in fit}.values())

    def why_not(self, route: Route) -> str:
        """Why a route has no cell: its files are for a device that was not asked for."""
        targets = [target for target in self.configs.targets.values() if target.format == route.target]
        asks = [
            g
            for t in targets
            for g, names in t.devices.items()
            if {split_name(n)[0] for n in names} & {*route.runtimes}
        ]
        return f"{route.name} makes files for {', '.join(route.runtimes)} only: --devices {','.join(asks)} makes them"

    def _measurement(self, artifact: Task, runtime: RuntimeSpec) -> Task:
        real = runtime.device is None or not runtime.device.emulated
        has_test = self.data is not None and real
        return measure_task(artifact, self.reference, runtime, self.configs.limits, has_test=has_test)

    def _timing(self, artifact: Task, baseline: Task, runtime: RuntimeSpec) -> Task | None:
        """Against the fp32 file of the same route; more threads against one."""
        if not runtime.timed or (runtime.device is not None and runtime.device.emulated):
            return None
        plain = registry.runtime(split_name(runtime.name)[0])
        if runtime.device is None and runtime.name != plain.name:
            return latency_task(artifact, artifact, self.reference, runtime, self.configs.limits, against=plain)
        return latency_task(artifact, baseline, self.reference, runtime, self.configs.limits)

    def _drift(self, route: Route, chosen: Sequence[Route]) -> tuple[Task | EdgeExportError, Task | None]:
        """How a file is proved layer by layer, and how what it is held against is proved.

        What counts as right is the framework's model; of a file in less than fp32 it is the fp32 file of the same
        route, where one is made, for they share their operators; and that is held against the framework's model.
        """
        plain = _plain(route, chosen)
        origin = self.source if plain is None else self._artifact(plain)
        start = (route.start, Precision.FP32) if plain is None else (plain.target, plain.precision)
        sides = (start, (route.target, route.precision))
        before = self._drift(plain, chosen)[0] if plain else None
        try:
            task = drift_task(self._artifact(route), origin, self.reference, sides, _LOOK, self.configs.limits)
        except EdgeExportError as error:
            return error, None
        return task, before if isinstance(before, Task) else None

    def _artifact(self, route: Route) -> Task:
        task = self.source
        for index, (edge, precision) in enumerate(route.steps()):
            part = Route(route.framework, route.edges[: index + 1], precision, route.start)
            recipe = self.configs.recipes[precision]
            calibrated = precision in CALIBRATED
            task = convert_task(
                task,
                edge,
                precision,
                recipe,
                self.configs.limits,
                identity=self._identity(part),
                route=part.name,
                calibration=self._calibration(recipe.calibration_samples) if calibrated else None,
            )
        return task

    def _calibration(self, samples: int) -> Task:
        limits, reference = self.configs.limits, self.reference
        return calibration_task(self.source, self.data, samples, limits, state=self.state, reference=reference)

    def _identity(self, route: Route) -> str:
        file = artifact_file_name(self.model, route.framework, route.name, route.precision, route.target)
        return file.removesuffix(route.target.suffix)


def _plain(route: Route, chosen: Sequence[Route]) -> Route | None:
    """The fp32 route to the same format by the same toolkits: one that was chosen, or what a quantizer starts from."""
    if route.precision is Precision.FP32:
        return None
    beside = next((r for r in chosen if _chain(r) == _chain(route) and r.precision is Precision.FP32), None)
    quantizes = len(route.edges) > 1 and route.edges[-1].quantizes
    return beside or (Route(route.framework, route.edges[:-1], Precision.FP32, route.start) if quantizes else None)


def _chain(route: Route) -> tuple[str, Format]:
    return route.name, route.target
