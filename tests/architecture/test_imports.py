"""Imports go strictly down. The tables are the rule; docs/architecture.md draws them."""

from __future__ import annotations

import pytest
from architecture.sources import Import, imports, modules

LAYERS: tuple[tuple[str, ...], ...] = (
    ("pipeline.cli",),
    ("pipeline.commands", "pipeline.repair", "pipeline.run", "pipeline.publish", "pipeline.display"),
    ("pipeline.choosing",),
    ("pipeline.verdicts",),
    (
        *(
            "pipeline.driver",
            "pipeline.plan",
            "pipeline.project",
            "pipeline.configs",
            "pipeline.doctor",
            "pipeline.devices",
        ),
        *("pipeline.lone", "pipeline.compare", "pipeline.drift", "pipeline.race", "pipeline.revalidate"),
        *(
            "pipeline.apps",
            "pipeline.asking",
            "pipeline.pair_inputs",
            "pipeline.phones",
            "pipeline.binding",
            "pipeline.captured",
            "pipeline.coverage",
            "pipeline.trial",
            "pipeline.yardstick",
            "pipeline.bound",
        ),
    ),
    ("pipeline.stages",),
    (
        *("pipeline.checks", "pipeline.datasets", "pipeline.models", "pipeline.report"),
        *("pipeline.bundle", "pipeline.golden", "pipeline.golden_inputs", "pipeline.evidence"),
        *("pipeline.plausible", "pipeline.golden_choice", "pipeline.golden_cover", "pipeline.golden_patterns"),
        *("pipeline.telling", "pipeline.telling_inputs", "pipeline.feeding", "pipeline.looks"),
    ),
    (
        *("pipeline.task", "pipeline.entries", "pipeline.request", "pipeline.routes"),
        *("pipeline.recipes", "pipeline.wanted", "pipeline.preprocessing", "pipeline.beside"),
        *("pipeline.config", "pipeline.store", "pipeline.workspace", "pipeline.resources", "pipeline.environment"),
    ),
    (
        *("converters.registry", "converters.worker", "converters.job", "converters.drift_job"),
        *("converters.prepass_job", "converters.opening"),
        *("converters.timing", "converters.rehearsal", "converters.sensitivity", "converters.survey_job"),
        "converters.carry_job",
    ),
    (
        *("converters.litert_web", "converters.onnx2tf", "converters.onnx_tf", "converters.ort", "converters.ptl"),
        *("converters.onnx_tflite", "converters.android"),
    ),
    (
        *("converters.eager", "converters.litert", "converters.onnx", "converters.torchscript"),
        *("converters.executorch", "converters.coreml", "converters.torch_export", "converters.tf_graph"),
    ),
    ("converters.devices", "converters.toolchains"),
    (
        *("converters.source", "converters.builder", "converters.calling", "converters.capture", "converters.weights"),
        *("converters.adapt", "converters.samples", "converters.sniff", "converters.grid", "converters.digest"),
        *(
            "converters.nearness",
            "converters.limits",
            "converters.masks",
            "converters.tables",
            "converters.words",
            "converters.names",
            "converters.channel",
            "converters.state",
            "converters.carry",
            "converters.disturbance",
        ),
        *("converters.contract", "converters.device", "converters.errors", "converters.inspection", "converters.graph"),
        *("converters.tuning", "converters.reach", "converters.tracer", "converters.session", "converters.content"),
        *("converters.model_files", "converters.magic"),
    ),
)
"""From the top to the ground: a module may import from its own layer and from those below, never from above."""

ROOTS = ("pipeline", "converters")  # the packages' own __init__, which hold nothing
STRANGERS = (LAYERS[-3], ("pipeline.stages.*",))
"""Siblings that never import each other: toolkits; stages, which meet in stored artifacts only."""

TOOLKITS = frozenset(
    (
        *("ai_edge_litert", "ai_edge_quantizer", "litert_converter", "litert_torch", "flatbuffers"),
        *("tensorflow", "keras", "h5py", "tf2onnx", "jax"),
        *("torch", "torchao", "torchvision", "transformers"),
        *("onnx", "onnxruntime", "onnxscript"),
        *("coremltools", "executorch", "sklearn", "onnx2tf", "onnx_tf", "tflite_runtime"),
    )
)
TOOLKIT_PACKAGES = (*LAYERS[-3], *LAYERS[-4])
WORK_ON_MODELS = (
    *("pipeline.models", "pipeline.datasets"),
    *("converters.source", "converters.builder", "converters.calling", "converters.capture", "converters.weights"),
    *("converters.model_files", "converters.tuning.exported"),
)
"""Beside converters/<toolkit>/, these alone may import a toolkit: inside functions, which run in a worker process."""

CHECKS_MAY_IMPORT = frozenset({"numpy", "scipy", "pipeline", "converters"})


def owner(name: str, table: tuple[str, ...]) -> str:
    """The entry of `table` that a dotted name belongs to, or an empty text."""
    return next((entry for entry in table if name == entry or name.startswith(f"{entry}.")), "")


def layer(name: str) -> int | None:
    """How far down a module lies; None for one that no layer names."""
    return next((depth for depth, names in enumerate(LAYERS) if owner(name, names)), None)


def all_imports() -> list[Import]:
    """Every import of every module."""
    return [item for module in modules() for item in imports(module)]


def inside(item: Import) -> bool:
    """Whether an import is of the project's own code."""
    return item.imported.split(".")[0] in ROOTS


def test_every_module_has_its_layer() -> None:
    homeless = [module.name for module in modules() if module.name not in ROOTS and layer(module.name) is None]
    assert not homeless, f"{homeless} lie in no layer: give each its place in LAYERS and in docs/architecture.md"


def test_imports_go_down() -> None:
    def climbs(item: Import) -> bool:
        here, there = layer(item.importer), layer(item.imported)
        return here is not None and there is not None and there < here

    wrong = [f"{i.importer}:{i.line} imports {i.imported}" for i in all_imports() if inside(i) and climbs(i)]
    order = " > ".join(", ".join(name.removeprefix("pipeline.") for name in names) for names in LAYERS)
    assert not wrong, f"imports go strictly down ({order}), but\n" + "\n".join(wrong)


def test_converters_never_import_the_pipeline() -> None:
    wrong = [
        f"{i.importer}:{i.line} imports {i.imported}"
        for i in all_imports()
        if i.importer.startswith("converters") and i.imported.split(".")[0] == "pipeline"
    ]
    assert not wrong, "converters/ knows nothing of pipeline/ (it must work alone), but\n" + "\n".join(wrong)


@pytest.mark.parametrize("strangers", STRANGERS, ids=lambda names: names[0])
def test_siblings_never_import_each_other(strangers: tuple[str, ...]) -> None:
    def home(name: str) -> str:
        if strangers[0].endswith(".*"):
            package = strangers[0].removesuffix(".*")
            parts = name.removeprefix(f"{package}.").split(".")
            return f"{package}.{parts[0]}" if name.startswith(f"{package}.") else ""
        return owner(name, strangers)

    wrong = [
        f"{i.importer}:{i.line} imports {i.imported}"
        for i in all_imports()
        if home(i.importer) and home(i.imported) and home(i.importer) != home(i.imported)
    ]
    assert not wrong, f"{', '.join(strangers)} never import each other: share by a layer below, but\n" + "\n".join(
        wrong
    )


def test_the_core_imports_no_toolkit_anywhere() -> None:
    wrong = [
        f"{i.importer}:{i.line} imports {i.imported}"
        for i in all_imports()
        if i.imported.split(".")[0] in TOOLKITS
        and not owner(i.importer, TOOLKIT_PACKAGES)
        and not (i.lazy and owner(i.importer, WORK_ON_MODELS))
    ]
    rule = f"only {', '.join(TOOLKIT_PACKAGES + WORK_ON_MODELS)} touch toolkits: call a function in a worker process"
    assert not wrong, f"{rule}, but\n" + "\n".join(wrong)


def test_checks_import_numpy_and_scipy_only() -> None:
    import sys

    allowed = CHECKS_MAY_IMPORT | sys.stdlib_module_names
    wrong = [
        f"{i.importer}:{i.line} imports {i.imported}"
        for i in all_imports()
        if i.importer.startswith("pipeline.checks")
        and (i.imported.split(".")[0] not in allowed or (i.imported.startswith("scipy") and not i.lazy))
    ]
    assert not wrong, "checks use numpy, and scipy inside functions (its import takes a second), but\n" + "\n".join(
        wrong
    )


def test_the_rules_see_what_they_forbid() -> None:
    assert layer("pipeline.cli") == 0
    assert layer("pipeline.checks.metrics.snr_db") == layer("pipeline.report.html")
    assert layer("converters.litert.convert") == LAYERS.index(STRANGERS[0])
    assert layer("pipeline.nowhere") is None
    assert owner("converters.onnxruntime", ("converters.onnx",)) == ""
