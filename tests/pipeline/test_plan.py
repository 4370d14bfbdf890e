from __future__ import annotations

import dataclasses

import pytest
import toy_workers

from converters import registry
from converters.contract import CALIBRATED, EXPANDED, Edge, Format, Framework, Precision
from converters.device import Device
from converters.errors import DataError, UsageError
from pipeline import config
from pipeline.plan import make_plan
from pipeline.request import Request
from pipeline.task import Task

CONFIGS = config.load()


@pytest.fixture(autouse=True)
def no_toolchains(monkeypatch):
    """What is planned does not hang on what this machine has."""
    monkeypatch.setattr(registry, "made", lambda name: False)


BOTH = Request(("all",), "digits-cnn")


@pytest.fixture
def own(tmp_path):
    """A request for a torch builder of the user's."""
    return lambda *precisions, **more: toy_workers.request(tmp_path / "p", *precisions, **more)


def names(made):
    return {
        f"{cell.route.framework}:{cell.route.name}:{cell.route.precision}@{cell.runtime.name}" for cell in made.cells
    }


def tasks(made):
    return {task.name: task for task in made.tasks()}


def changed(before, after):
    """Names of the tasks whose keys differ, without judging what is only in one."""
    first, second = tasks(before), tasks(after)
    assert set(first) == set(second)
    return {name for name in first if first[name].key != second[name].key}


def test_every_framework_target_precision_and_runtime_has_its_cell():
    made = names(make_plan(BOTH, CONFIGS))
    for framework in (Framework.TORCH, Framework.TENSORFLOW):
        for precision in set(Precision) - {Precision.PALETTIZED}:
            for runtime in ("litert-xnnpack", "litert-reference"):
                assert f"{framework}:litert:{precision}@{runtime}" in made
        assert f"{framework}:onnx:int8@onnxruntime" in made
        for precision in ("fp32", "fp16", *EXPANDED):
            assert f"{framework}:coreml:{precision}@coreml-mil" in made
    assert "torch:torchscript:fp32@torchscript" in made
    assert "torch:executorch-xnnpack:int8@executorch" in made
    assert not any(name.startswith(("tensorflow:torchscript", "tensorflow:executorch")) for name in made)


def test_reference_kernels_are_there_for_proof_and_are_not_timed():
    cells = make_plan(Request(("tflite",), "digits-cnn", precisions=("fp32",)), CONFIGS).cells
    assert {cell.runtime.name: cell.timing is not None for cell in cells} == {
        "litert-xnnpack": True,
        "litert-reference": False,
    }


def test_a_file_is_only_planned_for_runtimes_that_open_it():
    for cell in make_plan(BOTH, CONFIGS).cells:
        assert cell.route.target in cell.runtime.formats
        assert cell.file.endswith(cell.route.target.suffix)


def test_a_file_for_a_device_is_made_where_that_is_asked_for():
    wanted = {"frameworks": ("torch",), "precisions": ("fp32",)}
    without = make_plan(Request(("executorch",), "digits-cnn", **wanted), CONFIGS)
    on_cpu = {"torch:executorch-xnnpack:fp32@executorch", "torch:executorch-portable:fp32@executorch"}
    assert names(without) == on_cpu
    assert any("executorch-vulkan makes files for executorch-vulkan only: --devices gpu" in n for n in without.notes)
    asked = make_plan(Request(("executorch",), "digits-cnn", devices=("gpu",), **wanted), CONFIGS)
    (vulkan,) = [cell for cell in asked.cells if cell.route.name == "executorch-vulkan"]
    assert vulkan.runtime.name.startswith("executorch-vulkan")
    assert {name for name in names(asked) if "vulkan" not in name} == on_cpu, "nothing else is asked of it"


def test_a_precision_asked_for_is_the_only_one_made_and_int8_means_both_variants(own):
    made = make_plan(own("int8", targets=("tflite",)), CONFIGS)
    assert {cell.route.precision for cell in made.cells} == {Precision.INT8, Precision.INT8_IO}


def test_the_baseline_is_the_fp32_of_the_same_chain_framework_and_format():
    cells = make_plan(BOTH, CONFIGS).cells
    floats = {cell.route.name for cell in cells if cell.route.precision is Precision.FP32}
    for cell in cells:
        route = cell.route
        base = "fp32" if route.name in floats else route.precision  # one that makes no fp32 is its own
        identity = f"convert digits-cnn_{route.framework}_{route.name}_{base}"
        assert cell.baseline.name == identity
        if route.precision is Precision.FP32:
            assert cell.baseline.key == cell.artifact.key


def test_two_ways_to_one_format_are_each_compared_with_their_own_fp32(monkeypatch):
    both = (Precision.FP32, Precision.FP16)
    twin = Edge("onnx_by_twin", "twin", "m", Format.TORCH, Format.ONNX, both, "w", ())
    edges = registry.edges()
    monkeypatch.setattr(registry, "edges", lambda: (twin, *edges))
    made = make_plan(Request(("onnx",), "digits-cnn", frameworks=("torch",)), CONFIGS)
    assert {cell.route.name for cell in made.cells} == {"onnx", "twin"}
    for cell in made.cells:
        assert cell.baseline.name == f"convert digits-cnn_torch_{cell.route.name}_fp32"


def test_without_fp32_asked_for_a_file_is_its_own_baseline(own):
    made = make_plan(own("fp16", targets=("onnx",)), CONFIGS)
    assert all(cell.baseline.key == cell.artifact.key for cell in made.cells)


def test_static_int8_is_calibrated_on_training_data_and_nothing_else_is():
    for cell in make_plan(BOTH, CONFIGS).cells:
        needs = cell.artifact.needs
        static = cell.route.precision in CALIBRATED
        assert ("calibration" in needs) is static
        if static:
            assert {task.stage for task in needs["calibration"].needs.values()} == {"train", "data"}


def test_a_quantizer_starts_from_the_fp32_file_that_is_a_cell_too():
    made = make_plan(BOTH, CONFIGS)
    int8 = next(c for c in made.cells if (c.route.framework, c.route.precision) == ("torch", "int8"))
    assert int8.artifact.needs["source"].name == int8.baseline.name
    assert int8.artifact.needs["source"].key == int8.baseline.key


def test_tasks_of_one_name_are_one_task():
    seen = {}
    for task in make_plan(BOTH, CONFIGS).tasks():
        for one in (task, *task.needs.values()):
            assert seen.setdefault(one.name, one.key) == one.key


def test_two_toolkits_that_quantize_one_file_never_share_a_name(monkeypatch):
    again = Edge("other", "twin", "m", Format.ONNX, Format.ONNX, (Precision.FP32, Precision.INT8), "w", ())
    edges = registry.edges()
    monkeypatch.setattr(registry, "edges", lambda: (*edges, again))
    files = {}
    for cell in make_plan(BOTH, CONFIGS).cells:
        assert files.setdefault(cell.file, cell.artifact.key) == cell.artifact.key


def test_what_no_route_makes_is_said_and_the_rest_is_planned():
    made = make_plan(Request(("torchscript", "onnx"), "digits-cnn", precisions=("fp32", "int8")), CONFIGS)
    assert "no route leads from tensorflow to torchscript" in made.notes
    assert any(note.startswith("no route makes int8") and "torchscript from torch" in note for note in made.notes)
    assert not any("onnx" in note and "no route leads" in note for note in made.notes)


def test_a_model_of_the_user_without_a_word_on_targets_has_the_usual_ones_and_says_so(tmp_path):
    made = make_plan(toy_workers.request(tmp_path / "p", targets=()), CONFIGS)
    assert {cell.route.target for cell in made.cells} == {Format.TFLITE, Format.ONNX}
    assert any("--target all makes all" in note for note in made.notes)


def test_nothing_to_make_is_an_error_that_says_why():
    with pytest.raises(UsageError, match=r"(?s)no route leads from tensorflow to torchscript.*edge-export routes"):
        make_plan(Request(("torchscript",), "digits-cnn", frameworks=("tensorflow",)), CONFIGS)


def test_unknown_words_end_the_plan_before_any_task():
    with pytest.raises(UsageError, match="did you mean 'digits-cnn'"):
        make_plan(Request(("onnx",), "digit-cnn"), CONFIGS)
    with pytest.raises(DataError, match="there is no data 'nowhere'"):
        make_plan(Request(("onnx",), "digits-cnn", data="nowhere"), CONFIGS)


def test_a_users_model_without_data_has_neither_data_nor_test(own):
    made = make_plan(own(), CONFIGS)
    assert made.data is None
    assert made.model == "net"
    assert list(made.sources) == [Framework.TORCH]
    assert "data" not in made.references[Framework.TORCH].needs


def test_a_name_unfit_for_a_file_is_made_fit(own):
    request = dataclasses.replace(own(), name="My Net v1.0")
    assert make_plan(request, CONFIGS).cells[0].file == "my-net-v1-0_torch_onnx_fp32.onnx"


def with_recipe(precision, **changes):
    recipe = dataclasses.replace(CONFIGS.recipes[precision], **changes)
    return dataclasses.replace(CONFIGS, recipes={**CONFIGS.recipes, precision: recipe})


def test_a_changed_recipe_changes_what_is_made_by_it_and_judged_beside_it_only():
    request = Request(("onnx",), "digits-cnn", frameworks=("torch",))
    other = with_recipe(Precision.INT8, options={"quantize_onnx": {"ranges": "mse"}})
    different = changed(make_plan(request, CONFIGS), make_plan(request, other))
    assert different == {
        name for name in tasks(make_plan(request, CONFIGS)) if name.partition("@")[0].endswith("_int8")
    }
    assert different


def test_the_title_of_a_recipe_changes_nothing():
    other = with_recipe(Precision.INT8, title="another title")
    assert changed(make_plan(BOTH, CONFIGS), make_plan(BOTH, other)) == set()


def test_a_changed_golden_count_changes_no_training_and_no_conversion(monkeypatch):
    before = make_plan(BOTH, CONFIGS)
    monkeypatch.setattr(
        config, "load_model", lambda spec, load=config.load_model: dataclasses.replace(load(spec), golden_samples=64)
    )
    different = changed(before, make_plan(BOTH, CONFIGS))
    stages = {task.stage for task in before.tasks() if task.name in different}
    assert stages == {"reference", "validate", "drift"}
    assert not any(name.startswith("inspect") for name in different)


def test_a_changed_gate_changes_no_task_of_the_plan():
    assert changed(make_plan(BOTH, CONFIGS), make_plan(BOTH, dataclasses.replace(CONFIGS, gates={}))) == set()


def held(cell):
    """(what a cell's file is held against, and what that is held against)."""
    assert isinstance(cell.drift, Task)
    return cell.drift.needs["origin"].name, cell.origin and cell.origin.needs["origin"].name


def test_an_fp32_file_is_held_against_the_model_and_every_other_against_the_fp32_file_of_its_route():
    cells = make_plan(dataclasses.replace(BOTH, targets=("tflite",), frameworks=("torch",)), CONFIGS).cells
    found = {(cell.route.name, cell.route.precision.value): held(cell) for cell in cells}
    source = "train digits-cnn_torch"
    assert found["litert", "fp32"] == (source, None)
    for precision in ("fp16", "dynamic", "int8", "int8-io"):
        assert found["litert", precision] == ("convert digits-cnn_torch_litert_fp32", source)


def test_the_fp32_file_that_a_quantizer_starts_from_is_proved_though_nobody_asked_for_it():
    wanted = dataclasses.replace(BOTH, targets=("onnx",), frameworks=("torch",), precisions=("int8",))
    plan = make_plan(wanted, CONFIGS)
    assert {held(cell) for cell in plan.cells} == {("convert digits-cnn_torch_onnx_fp32", "train digits-cnn_torch")}
    assert "drift digits-cnn_torch_onnx_fp32" in {task.name for task in plan.tasks()}


def test_a_file_is_held_against_its_origin_once_whatever_the_number_of_runtimes():
    cells = make_plan(dataclasses.replace(BOTH, targets=("tflite",), frameworks=("torch",)), CONFIGS).cells
    of_file = {}
    for cell in cells:
        of_file.setdefault(cell.file, set()).add(cell.drift.name)
    assert max(len({c.runtime.name for c in cells if c.file == file}) for file in of_file) > 1
    assert all(len(names) == 1 for names in of_file.values())


def test_tasks_come_in_the_order_of_the_stages():
    order = ["data", "train", "reference", "convert", "validate", "drift"]
    stages = [task.stage for task in make_plan(BOTH, CONFIGS).tasks()]
    assert stages == sorted(stages, key=order.index)
    assert set(stages) == set(order)


def test_a_device_asked_for_is_a_cell_beside_those_of_home():
    plan = make_plan(
        Request(("tflite",), "fashion-cnn", ("torch",), ("fp32",), devices=("threads",), routes=("litert",)),
        config.load(),
    )
    home, reference, threads = plan.cells
    assert [cell.runtime.name for cell in plan.cells] == ["litert-xnnpack", "litert-reference", "litert-xnnpack[4t]"]
    assert home.home is None
    assert reference.home is threads.home is home.measurement
    assert threads.timing.ingredients["runtime of the baseline"] == "litert-xnnpack"
    assert threads.timing.needs["artifact"] is threads.timing.needs["baseline"] is threads.artifact


def test_an_emulated_device_is_neither_timed_nor_given_the_test_split(monkeypatch):
    def select(name):
        device = Device("QEMU", emulated=True, version="10.1")
        spec = registry.runtime("litert-reference")
        return (dataclasses.replace(spec, name=f"{name}[QEMU]", worker="qemu", device=device),)

    monkeypatch.setattr(registry, "select", select)
    plan = make_plan(Request(("tflite",), "fashion-cnn", ("torch",), ("fp32",), devices=("gpu",)), config.load())
    cell = plan.cells[-1]
    assert cell.timing is None
    assert cell.measurement.ingredients["device"] == "QEMU 10.1"
    assert cell.measurement.lane == "qemu"


def test_devices_that_do_not_exist_are_told_what_does():
    with pytest.raises(
        UsageError, match="no devices are called 'npu'; there are threads, gpu, arm64, web, .*fp16, apple, all, none"
    ):
        make_plan(Request(("tflite",), "fashion-cnn", devices=("npu",)), config.load())
