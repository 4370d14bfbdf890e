from __future__ import annotations

import dataclasses
import shutil

import app_bundle
import numpy as np
import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Signature, TensorSpec
from converters.device import Device
from converters.errors import ModelError, ToolkitCrash, UsageError
from pipeline import config
from pipeline.checks.gates import PlacementGate, parse_gates
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.golden_inputs import choose_synthetic
from pipeline.publish import publish
from pipeline.revalidate import Wanted, exit_code, revalidate

LIMITS = config.load().limits
GATES = mini.gates()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle of two precisions, of what passed."""
    folder = tmp_path_factory.mktemp("revalidate")
    wanted = toy_workers.request(folder / "project", targets=("torchscript",))
    done = toy_workers.finish(wanted, folder / "ws")
    return publish(done.plan, done.gates, done.cells, done.results, done.store, folder / "dist", "test")[0]


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: ())


def again(path, workers=None, gates=GATES, own=False, runtimes=(), inputs="golden"):
    return list(revalidate(Wanted(path, inputs, gates, own, tuple(runtimes)), workers or ToyWorkers(), LIMITS))


def outcome(cell, name):
    return next(check.outcome for check in cell.checks if check.name == name)


def test_a_sound_bundle_passes_on_its_own_pack(bundle):
    (cell,) = again(bundle)
    assert cell.outcome is Outcome.PASSED, cell.reasons
    assert (cell.artifact, cell.runtime) == ("net_torch_torchscript_fp32.pt", "torchscript")
    assert exit_code([cell]) == 0


def test_a_kernel_that_computes_otherwise_here_fails_parity(bundle):
    class Drifting(ToyWorkers):
        def _run_samples(self, **arguments):
            return {name: value * 1.01 for name, value in super()._run_samples(**arguments).items()}

    (cell,) = again(bundle, Drifting())
    assert outcome(cell, "parity") is Outcome.FAILED
    assert exit_code([cell]) == 1


@pytest.mark.parametrize(
    ("function", "check"), [("run_samples", "parity"), ("inspect", "precision"), ("placement", "placement")]
)
def test_a_crash_here_is_a_verdict_on_its_own_check_and_no_end(bundle, function, check):
    broken = ToyWorkers(lambda name, arguments: ToolkitCrash("died") if name == function else None)
    (cell,) = again(bundle, broken)
    assert outcome(cell, check) is Outcome.CRASHED
    others = {"parity", "precision"} - {check}
    assert all(outcome(cell, name) is Outcome.PASSED for name in others)


def test_a_runtime_that_is_not_installed_is_not_run_and_never_green(bundle, monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: packages)
    (cell,) = again(bundle)
    assert outcome(cell, "parity") is Outcome.NOT_RUN
    assert "pip install torch" in " ".join(cell.reasons)
    assert exit_code([cell]) == 1


def test_the_bundles_own_gates_judge_unless_the_user_gives_others(bundle):
    override = {"parity": {"fp32": {"min_samples": 9999, "reason": "more than there are"}}}
    strict = parse_gates(config.load().gates, override)
    assert again(bundle, gates=strict)[0].outcome is Outcome.PASSED
    assert again(bundle, gates=strict, own=True)[0].outcome is Outcome.FAILED


def test_a_changed_byte_in_a_bundle_is_refused(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "copy")
    file = tmp_path / "copy" / "net_torch_torchscript_fp32.pt"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match="net_torch_torchscript_fp32.pt changed"):
        again(tmp_path / "copy")


def test_a_lone_file_is_judged_on_a_pack_that_is_given_and_a_wrong_one_fails(bundle, tmp_path):
    pack = str(bundle / "golden" / "torch.safetensors")
    toy_workers.store(tmp_path / "right.pt", mini.parameters())
    toy_workers.store(tmp_path / "lost.pt", {**mini.parameters(), "square_bias": np.zeros(16, np.float32)})
    (right,) = again(tmp_path / "right.pt", inputs=pack)
    (lost,) = again(tmp_path / "lost.pt", inputs=pack)
    assert outcome(right, "parity") is Outcome.PASSED
    assert outcome(lost, "parity") is Outcome.FAILED


@pytest.fixture
def second_kernels(monkeypatch):
    """A second runtime of the format, as LiteRT has two."""
    first = registry.runtime("torchscript")
    both = (first, dataclasses.replace(first, name="torchscript-plain"))
    monkeypatch.setattr(registry, "runtimes", lambda: both)
    return both


@pytest.fixture
def lone_file(tmp_path):
    toy_workers.store(tmp_path / "m.pt", mini.parameters())
    return tmp_path / "m.pt"


def check(cell, name):
    return next(check for check in cell.checks if check.name == name)


@pytest.mark.usefixtures("second_kernels")
def test_a_lone_file_is_judged_by_itself_on_other_kernels(lone_file):
    first, second = again(lone_file)
    assert (first.runtime, second.runtime) == ("torchscript", "torchscript-plain")
    assert first.outcome is second.outcome is Outcome.PASSED, first.reasons
    assert check(first, "yardstick").metrics["runtime"] == "torchscript-plain"
    assert check(second, "yardstick").metrics["runtime"] == "torchscript"
    assert check(first, "accuracy").outcome is Outcome.NOT_RUN
    assert not check(first, "precision").required


@pytest.mark.usefixtures("second_kernels")
def test_kernels_that_compute_otherwise_fail_and_each_runtime_is_asked_once(lone_file):
    class Drifting(ToyWorkers):
        def _run_samples(self, runtime, *rest, **arguments):
            outputs = super()._run_samples(runtime, *rest, **arguments)
            return {n: v * (1.01 if runtime == "torchscript-plain" else 1) for n, v in outputs.items()}

    workers = Drifting()
    assert [cell.outcome for cell in again(lone_file, workers)] == [Outcome.FAILED, Outcome.FAILED]
    assert workers.calls.count("run_samples") == 3, "each once, and the first on nudged inputs"


@pytest.mark.usefixtures("second_kernels")
def test_one_runtime_that_dies_leaves_the_others_their_cells(lone_file):
    dying = ToyWorkers(lambda name, a: ToolkitCrash("died") if a.get("runtime") == "torchscript-plain" else None)
    first, second = again(lone_file, dying)
    assert first.outcome is Outcome.NOT_RUN
    assert "torchscript-plain: died" in check(first, "yardstick").reasons[0]
    assert second.outcome is Outcome.CRASHED
    assert check(second, "yardstick").outcome is Outcome.BLOCKED


def test_a_lone_file_that_one_runtime_opens_is_not_run_and_never_green(lone_file, monkeypatch):
    alone = registry.runtime("torchscript")
    monkeypatch.setattr(registry, "runtimes", lambda: (alone,))
    (cell,) = again(lone_file)
    assert cell.outcome is Outcome.NOT_RUN
    assert check(cell, "parity").reasons == ("it runs, its outputs are finite and follow the inputs; see `yardstick`",)


def test_kernels_that_only_say_what_is_right_have_no_cell_unless_they_are_named(lone_file):
    (cell,) = again(lone_file)
    assert (cell.runtime, cell.outcome) == ("torchscript", Outcome.PASSED)
    assert check(cell, "yardstick").metrics["runtime"] == "torchscript-plain"
    (named,) = again(lone_file, runtimes=("torchscript-plain",))
    assert check(named, "yardstick").metrics["runtime"] == "torchscript"


@pytest.mark.usefixtures("second_kernels")
def test_inputs_without_outputs_are_run_across_kernels(lone_file, tmp_path):
    np.savez(tmp_path / "i.npz", image=choose_synthetic(toy_workers.SIGNATURE, 20, 0).inputs["image"])
    cell, _ = again(lone_file, inputs=str(tmp_path / "i.npz"))
    assert check(cell, "yardstick").metrics["inputs"] == "given"
    assert check(cell, "yardstick").metrics["samples"] == 20


def test_an_input_that_cannot_be_made_up_is_unsupported_by_name_everywhere(lone_file):
    class Speaking(ToyWorkers):
        def _inspect(self, path, format):
            found = super()._inspect(path, format)
            text = TensorSpec("text", (1,), "str")
            return dataclasses.replace(found, signature=Signature((text,), found.signature.outputs))

    (cell,) = again(lone_file, Speaking())
    assert cell.outcome is Outcome.UNSUPPORTED
    assert cell.reasons == ("inputs: input `text` takes str: no plausible values are known for that",)


def test_sizes_that_the_user_says_are_checked_against_the_file(lone_file):
    wide = TensorSpec("image", (1, 12, 21, 3), "float32")
    with pytest.raises(UsageError, match="--input image:1x12x21x3:float32: m.pt takes image:1x12x20x3:float32"):
        list(revalidate(Wanted(lone_file, "random", GATES, sizes=(wide,)), ToyWorkers(), LIMITS))


def test_a_device_that_is_not_here_is_not_run_with_its_command(bundle, lone_file, monkeypatch):
    absent = Device("", missing="no Vulkan device", remedy="make setup-gpu")
    gpu = dataclasses.replace(registry.runtime("torchscript"), name="script-gpu", worker="gpu", device=absent)
    both = (registry.runtime("torchscript"), dataclasses.replace(gpu, devices="nowhere:find"))
    monkeypatch.setattr(registry, "runtimes", lambda: both)
    monkeypatch.setattr(registry, "devices", lambda function: (absent,))
    for path in (bundle, lone_file):
        for name in ("script-gpu", "script-gpu[SwiftShader]"):
            (cell,) = again(path, runtimes=[name])
            assert (cell.runtime, cell.outcome) == (name, Outcome.NOT_RUN)
            assert "no Vulkan device; to have it: make setup-gpu" in " ".join(cell.reasons)


def test_runtimes_that_do_not_exist_or_open_nothing_are_errors_not_an_empty_success(bundle):
    with pytest.raises(UsageError, match="no runtime is called 'litert'"):
        again(bundle, runtimes=["litert"])
    with pytest.raises(UsageError, match="none of onnxruntime opens what"):
        again(bundle, runtimes=["onnxruntime"])


@pytest.mark.parametrize("bad", [outcome for outcome in Outcome if outcome is not Outcome.PASSED])
def test_anything_but_passed_is_exit_code_1(bad):
    def cell(outcome):
        return Cell("m", "torch", "r", "fp32", "x", "onnx", "", (Check("parity", outcome, ("why",)),))

    assert exit_code([cell(Outcome.PASSED), cell(bad)]) == 1


@pytest.mark.parametrize(("promised", "outcome_wanted"), [("xnnpack", Outcome.PASSED), ("gpu", Outcome.FAILED)])
def test_what_xnnpack_leaves_to_the_cpu_is_told_and_what_a_gpu_leaves_fails(
    lone_file, second_kernels, promised, outcome_wanted
):
    gate = PlacementGate(promised, 0.25, "a promise")
    gates = dataclasses.replace(GATES, placement={spec.name: gate for spec in second_kernels})
    cell, _ = again(lone_file, gates=gates)  # toy workers place operators on "cpu"
    assert check(cell, "placement").outcome is Outcome.FAILED
    assert cell.outcome is outcome_wanted


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A bundle of an fp32 file and an fp16 file of the same route."""
    folder = tmp_path_factory.mktemp("pair")
    done = toy_workers.finish(toy_workers.request(folder / "project", "fp32", "fp16"), folder / "ws")
    return publish(done.plan, done.gates, done.cells, done.results, done.store, folder / "dist", "test")[0]


def drifts(path, **more):
    cells = list(revalidate(Wanted(path, "golden", GATES, **more), ToyWorkers(), LIMITS))
    return {cell.precision: next(check for check in cell.checks if check.name == "drift") for cell in cells}


def test_a_file_of_a_bundle_is_held_against_the_fp32_file_of_its_route(pair):
    found = drifts(pair)
    assert found["fp16"].outcome is Outcome.PASSED
    assert found["fp16"].metrics["against"] == "net_torch_onnx_fp32.onnx"
    assert found["fp32"].outcome is Outcome.NOT_RUN
    assert not found["fp32"].required
    assert "made from is not in the bundle" in found["fp32"].reasons[0]


def test_a_lone_file_of_a_bundle_knows_its_siblings(pair):
    assert drifts(pair / "net_torch_onnx_fp16.onnx")["fp16"].outcome is Outcome.PASSED


def test_layers_are_left_alone_where_nobody_asks(pair):
    check = drifts(pair, inside=False)["fp16"]
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)


def test_a_bundle_from_before_the_last_gates_is_judged_by_todays(bundle, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(bundle, older)
    text = (older / "gates.toml").read_text()
    start = text.index("[pictures]")
    end = text.find("\n[", start)
    app_bundle.put(older, "gates.toml", (text[:start] + (text[end:] if end > 0 else "")).encode())
    (cell,) = again(older)
    assert cell.outcome is Outcome.PASSED, cell.reasons


def test_a_bundle_in_an_archive(bundle, tmp_path):
    (cell,) = again(app_bundle.zipped(bundle, tmp_path / "b.zip"))
    assert cell.outcome is Outcome.PASSED, cell.reasons
