from __future__ import annotations

import shutil

import numpy as np
import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers

from converters import registry
from converters.errors import ModelError, ToolkitCrash, UsageError
from pipeline import config
from pipeline.checks.gates import parse_gates
from pipeline.checks.outcome import Cell, Check, Outcome
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
