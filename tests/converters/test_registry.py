from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from types import SimpleNamespace

import fake_toolkit
import pytest

from converters import registry
from converters.contract import Format, Precision
from converters.device import Device, Launch
from converters.errors import UnavailableError, UnsupportedError, UsageError


@pytest.fixture
def fresh():
    """A registry that looks again, before the test and after it."""
    registry.toolkits.cache_clear()
    yield
    registry.toolkits.cache_clear()


def test_what_is_asked_for_by_name_is_what_comes():
    assert all(registry.edge(edge.name) is edge for edge in registry.edges())
    assert all(registry.runtime(spec.name) is spec for spec in registry.runtimes())


def test_a_variant_of_the_cpu_has_its_arithmetic_and_a_family_none() -> None:
    plain, half = registry.expand(registry.runtime("coreml-mil"))
    assert (registry.arithmetic(plain), registry.arithmetic(half)) == ("", "fp16")
    assert registry.arithmetic(registry.runtime("litert-gpu")) == "", "its devices were not looked for"


def test_no_two_converters_and_no_two_runtimes_share_a_name():
    for declared in (registry.edges(), registry.runtimes()):
        names = [one.name for one in declared]
        assert len(set(names)) == len(names)


def test_a_name_that_is_not_there_says_what_is():
    there = "no converter is called 'onnx_from_jax'; there are .*executorch_portable_from_torch, "
    with pytest.raises(UsageError, match=there):
        registry.edge("onnx_from_jax")
    with pytest.raises(
        UsageError, match="no runtime is called 'tvm'; there are .*executorch, executorch-vulkan, keras, keras-eager"
    ):
        registry.runtime("tvm")


@pytest.mark.parametrize("format", [Format.TFLITE, Format.ONNX, Format.TORCHSCRIPT, Format.EXECUTORCH])
def test_every_format_that_is_made_can_be_read_and_run(format):
    assert registry.inspector(format).format is format
    assert registry.runtimes_for(format)
    assert not registry.runtimes_for(format)[0].reference


@pytest.mark.parametrize("format", [Format.TORCH, Format.KERAS])
def test_every_source_has_exactly_one_reference_and_no_inspector(format):
    assert [spec.reference for spec in registry.runtimes_for(format)] == [True]
    with pytest.raises(UnsupportedError, match=f"no inspector reads {format} files"):
        registry.inspector(format)


def test_the_modules_that_are_declared_are_there():
    declared = [*registry.edges(), *registry.runtimes(), *map(registry.inspector, (Format.TFLITE, Format.ONNX))]
    for module in {one.module for one in declared}:
        assert importlib.util.find_spec(module) is not None, module


def test_every_edge_makes_something_and_quantizers_never_make_the_fp32_that_they_start_from():
    for edge in registry.edges():
        assert edge.precisions
        assert edge.worker
        if edge.quantizes:
            assert Precision.FP32 not in edge.precisions


@pytest.mark.usefixtures("fresh")
def test_a_draft_named_in_the_environment_joins_after_ours(monkeypatch):
    ours = registry.edges()
    registry.toolkits.cache_clear()
    monkeypatch.setenv(registry.DRAFTS_VARIABLE, "fake_toolkit")
    assert registry.edges() == (*ours, *fake_toolkit.EDGES)
    assert registry.runtime("fake-runtime").module == "fake_toolkit"


@pytest.mark.usefixtures("fresh")
def test_a_draft_that_does_not_import_is_an_error_not_ignored(monkeypatch):
    monkeypatch.setenv(registry.DRAFTS_VARIABLE, "fake_toolkit,no_such_toolkit")
    with pytest.raises(ModuleNotFoundError, match="no_such_toolkit"):
        registry.toolkits()


@pytest.mark.usefixtures("fresh")
def test_an_installed_plug_in_is_found_by_its_entry_point(monkeypatch):
    def entry_points(group):
        assert group == "edge_export.toolkits"
        return [SimpleNamespace(load=lambda: fake_toolkit)]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert registry.edge("fake_quantizer") is fake_toolkit.EDGES[0]


def test_a_toolkit_may_declare_runtimes_only(monkeypatch):
    only = SimpleNamespace(RUNTIMES=fake_toolkit.RUNTIMES)
    monkeypatch.setattr(registry, "toolkits", lambda: (only,))
    assert registry.edges() == ()
    assert registry.runtimes() == fake_toolkit.RUNTIMES


def test_what_is_not_installed_is_told_and_what_is_not_confused_with_it():
    assert registry.version("numpy") == importlib.metadata.version("numpy")
    assert registry.version("no-such-package") == ""
    assert registry.missing(("numpy", "no-such-package", "scipy")) == ("no-such-package",)


HERE = Device("Painter", emulated=True, version="3.1", launch=Launch(env={"BRUSH": "7"}))
AWAY = Device("", missing="no painter is installed", remedy="make setup-painter")


@pytest.fixture
def painted(monkeypatch):
    """A family with two variants on a device of the test's choice."""

    def declare(*found):
        family = registry.RuntimeSpec(
            *("paint", "fake_toolkit", (Format.ONNX,), "easel", ()),
            devices="painters:devices",
            variants=("", "fp32"),
        )
        monkeypatch.setattr(registry, "runtimes", lambda: (family,))
        monkeypatch.setattr(registry, "devices", lambda function: found)
        return family

    return declare


def test_a_family_becomes_one_runtime_for_each_device_and_variant(painted):
    family = painted(HERE, dataclasses.replace(HERE, name="Other"))
    found = registry.expand(family)
    assert [spec.name for spec in found] == [
        "paint[Painter]",
        "paint[Painter,fp32]",
        "paint[Other]",
        "paint[Other,fp32]",
    ]
    assert {spec.worker for spec in found} == {"easel[Painter]", "easel[Other]"}
    assert registry.launch("easel[Painter]").env == {"BRUSH": "7"}
    assert registry.launch("unheard-of") == Launch()


def test_a_family_or_one_of_it_is_chosen_by_name(painted):
    painted(HERE)
    assert [spec.name for spec in registry.select("paint")] == ["paint[Painter]", "paint[Painter,fp32]"]
    assert [spec.name for spec in registry.select("paint[Painter,fp32]")] == ["paint[Painter,fp32]"]
    assert registry.runtime("paint[Painter,fp32]").name == "paint[Painter,fp32]"
    with pytest.raises(UsageError, match=r"no runtime is called 'paint\[Rembrandt\]' here; of paint there are paint\["):
        registry.select("paint[Rembrandt]")


def test_a_device_that_is_not_here_says_what_would_bring_it(painted):
    family = painted(AWAY)
    assert [spec.name for spec in registry.expand(family)] == ["paint", "paint[fp32]"]
    with pytest.raises(UnavailableError, match="no painter is installed; to have it: make setup-painter"):
        registry.launch("easel")


@pytest.mark.parametrize(
    ("format", "name"),
    [
        (Format.TORCH, "torch-eager"),
        (Format.KERAS, "keras-eager"),
        (Format.ONNX, "onnxruntime-unfused"),
        (Format.PT2, "torch-export"),
        (Format.SAVEDMODEL, "tensorflow"),
        (Format.KERAS_FILE, "keras"),
        (Format.TORCHSCRIPT, "torchscript"),
    ],
)
def test_the_reference_runs_in_the_frameworks_own_mode(format: Format, name: str) -> None:
    assert registry.reference_runtime(format).name == name
