from __future__ import annotations

import dataclasses
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import flat_models
import numpy as np
import pytest

from converters.contract import Signature, TensorSpec
from converters.errors import ContractError, ModelError, ToolkitCrash, ToolkitTimeout, UnsupportedError
from converters.litert_web import runtime
from converters.session import Session
from converters.worker import Worker

Open = Callable[..., Session]
X = np.arange(30, dtype=np.float32).reshape(5, 1, 2, 3)


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_samples_come_back_in_their_order(accelerator: str, web: Open, file: Path) -> None:
    session = web(flat_models.affine(file), accelerator)
    np.testing.assert_array_equal(session.run_many({"x": X})["y"], 2 * X + 1)
    np.testing.assert_array_equal(session.run({"x": X[3]})["y"], 2 * X[3] + 1)
    session.close()


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_tensors_are_bound_by_name(accelerator: str, web: Open, file: Path) -> None:
    session = web(flat_models.crossed(file), accelerator)
    a, b = np.float32([[5, 7]]), np.float32([[1, 2]])
    found = session.run({"b": b, "a": a, "n": np.int32([[1, 2, 3, 2**31 - 2]])})
    np.testing.assert_array_equal(found["difference"], [[4, 5]])
    np.testing.assert_array_equal(found["count"], [[2, 3, 4, 2**31 - 1]])


def test_layouts_and_strides_are_adapted(web: Open, file: Path) -> None:
    made = flat_models.affine(file, shape=(1, 2, 3, 4))
    own = Signature(
        *((dataclasses.replace(s, layout="NHWC"),) for s in (*made.signature.inputs, *made.signature.outputs))
    )
    source = Signature(*((TensorSpec(name, (1, 4, 2, 3), "float32", "NCHW"),) for name in ("x", "y")))
    session = web(dataclasses.replace(made, signature=own, source=source))
    values = np.arange(96, dtype=np.float32).reshape(2, 1, 4, 2, 6)[..., ::2]
    np.testing.assert_array_equal(session.run_many({"x": values})["y"], 2 * values + 1)


def test_many_samples_go_in_several_messages(web: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = web(flat_models.affine(file))
    monkeypatch.setattr(runtime, "MESSAGE_BYTES", 100)
    np.testing.assert_array_equal(session.run_many({"x": X})["y"], 2 * X + 1)


def test_stored_integers_of_eight_bits(web: Open, file: Path) -> None:
    session = web(flat_models.eight_bit(file, "uint8"))
    np.testing.assert_array_equal(session.run({"x": np.uint8([[0, 1, 200, 255]])})["y"], [[0, 1, 200, 255]])


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_a_stateful_model_starts_afresh_with_each_sequence(accelerator: str, web: Open, file: Path) -> None:
    session = web(flat_models.running_sum(file), accelerator)
    assert session.stateful
    steps = np.ones((3, 1, 2), np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(session.run_many({"x": steps})["y"][:, 0, 0], [1, 2, 3])
    np.testing.assert_array_equal(session.run({"x": steps[0]})["y"], [[4, 4]])


def test_two_sessions_live_side_by_side(web: Open, tmp_path: Path) -> None:
    one, other = web(flat_models.affine(tmp_path / "a.tflite")), web(flat_models.running_sum(tmp_path / "b.tflite"))
    other.run({"x": np.ones((1, 2), np.float32)})
    np.testing.assert_array_equal(one.run({"x": X[1]})["y"], 2 * X[1] + 1)
    one.close()
    np.testing.assert_array_equal(other.run({"x": np.ones((1, 2), np.float32)})["y"], [[2, 2]])


@pytest.mark.parametrize(
    ("build", "accelerator", "words"),
    [
        (flat_models.eight_bit, "wasm", r"Element type INT8 is not supported.*export this precision with float inputs"),
        (flat_models.custom, "webgpu", r"unresolved custom op: FancyWarp"),
        # Its wasm kernels give memory that nobody has written, and no error: only the console tells.
        (flat_models.custom, "wasm", r"unresolved custom op: FancyWarp"),
    ],
)
def test_a_refusal_is_in_its_own_words(build: Callable, accelerator: str, words: str, web: Open, file: Path) -> None:
    artifact = build(file)
    inputs = {"x": np.ones((1, 1, 4), artifact.signature.inputs[0].dtype)}
    with pytest.raises(UnsupportedError, match=rf"litert-web\[{accelerator}\] cannot \w+ model.tflite: .*{words}"):
        web(artifact, accelerator).run_many(inputs)
    np.testing.assert_array_equal(web(flat_models.affine(file), accelerator).run({"x": X[1]})["y"], 2 * X[1] + 1)


def test_sizes_other_than_the_file_s_are_refused(web: Open, file: Path) -> None:
    session = web(flat_models.affine(file, shape=(-1, 2, 3)))
    with pytest.raises(UnsupportedError, match=r"does not match"):
        session.run({"x": np.ones((4, 2, 3), np.float32)})


def test_damaged_files_and_other_names(web: Open, file: Path) -> None:
    good = flat_models.affine(file)
    other = Signature((dataclasses.replace(good.signature.inputs[0], name="picture"),), good.signature.outputs)
    with pytest.raises(ContractError, match=r"has the inputs \['x'\] in LiteRT.js, not \['picture'\]"):
        web(dataclasses.replace(good, signature=other))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ModelError, match=r"model\.tflite"):
        web(good)
    file.write_bytes(b"")
    with pytest.raises(ModelError, match=r"is empty"):
        web(good)


def test_placement_tells_what_webgpu_left(web: Open, tmp_path: Path) -> None:
    whole = web(flat_models.affine(tmp_path / "a.tflite"), "webgpu").placement()
    assert whole == [("MUL", "webgpu"), ("ADD", "webgpu")]
    part = dict(web(flat_models.running_sum(tmp_path / "b.tflite"), "webgpu").placement())
    assert part["ADD"] == "webgpu"
    assert part["ASSIGN_VARIABLE"] == "wasm"
    assert web(flat_models.affine(tmp_path / "c.tflite")).placement() == []


def test_calls_are_timed_in_the_page(web: Open, file: Path) -> None:
    seconds = web(flat_models.affine(file)).time({"x": X}, 40)
    assert seconds.shape == (40,)
    assert 1e-6 < np.median(seconds) < 0.1


def test_threads(web: Open, file: Path) -> None:
    np.testing.assert_array_equal(web(flat_models.affine(file), threads=2).run({"x": X[0]})["y"], 2 * X[0] + 1)


def processes(folder: Path) -> list[str]:
    """The command lines of the browsers whose profiles are in `folder`."""
    lines = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(folder) in line]


@pytest.fixture
def profiles() -> Iterator[Path]:
    """Where the browsers of a test keep their profiles; a short name, as they want it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def worker(
    web: Open, tmp_path: Path, profiles: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Worker]:
    monkeypatch.setenv("TMPDIR", str(profiles))
    started = Worker("browser[wasm]", tmp_path / "log", 4 << 30)
    yield started
    started.close()


def gone(folder: Path) -> bool:
    """Whether, after a moment, no process and no file is left of the browsers whose profiles are in `folder`."""
    deadline = time.monotonic() + 10
    while (processes(folder) or list(folder.glob("edge-export-*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes(folder) and not list(folder.glob("edge-export-*"))


def test_a_call_that_hangs_is_ended_with_its_browser(worker: Worker, profiles: Path) -> None:
    with pytest.raises(ToolkitTimeout, match=r"was not done after"):
        worker.call("browser_targets:hang", 6, {})
    assert gone(profiles)


def test_a_browser_that_dies_is_a_crash_and_the_next_call_has_a_new_one(
    worker: Worker, profiles: Path, tmp_path: Path
) -> None:
    artifact = flat_models.affine(tmp_path / "model.tflite")
    with pytest.raises(ToolkitCrash, match=r"the browser ended of SIGKILL"):
        worker.call("browser_targets:die", 60, {"artifact": artifact, "signal": signal.SIGKILL})
    found = worker.call("browser_targets:run", 60, {"artifact": artifact, "inputs": {"x": X}})
    np.testing.assert_array_equal(found["y"], 2 * X + 1)
    with pytest.raises(ToolkitCrash, match=r"the page died"):
        worker.call("browser_targets:crash_page", 60, {"artifact": artifact})
    found = worker.call("browser_targets:run", 60, {"artifact": artifact, "inputs": {"x": X}})
    np.testing.assert_array_equal(found["y"], 2 * X + 1)
    worker.close()
    assert gone(profiles)
