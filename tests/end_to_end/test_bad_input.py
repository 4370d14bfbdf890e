"""What users get wrong: one clear message, an exit code of its kind, no traceback, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

BAD = [
    (("run",), 2, "no target was given; there are"),
    (("run", "-t", "tflight"), 2, "no target is called 'tflight'"),
    (("run", "-t", "tflite", "-f", "jax"), 2, "no framework is called 'jax'"),
    (("run", "-t", "tflite", "-p", "int3"), 2, "no precision is called 'int3'"),
    (("run", "fashion-cn", "-t", "tflite"), 2, "did you mean 'fashion-cnn'"),
    (("run", "none.py:build", "-t", "tflite"), 2, "there is no file none.py"),
    (("run", "-t", "torchscript", "-f", "tensorflow"), 2, "no route leads from tensorflow to torchscript"),
    (("run", "-t", "tflite", "--force", "cook"), 2, "no stage is called 'cook'"),
    (("run", "-t", "tflite", "--image-size", "12"), 2, "not of the form HxW"),
    (("run", "-t", "tflite", "--input", "x"), 2, "not of the form name:1x3x224x224:float32"),
    (("run", "-t", "tflite", "--no-such-option"), 2, "No such option"),
    (("run", "-t", "tflite", "--gates", "bad_gates.toml"), 3, "unknown"),
    (("run", "-t", "tflite", "--gates", "none.toml"), 3, "none.toml does not exist"),
    (("run", "-t", "tflite", "--configs", "none"), 3, "configuration folder none does not exist"),
    (("run", "-t", "tflite", "--data", "none"), 4, "none"),
    (("inspect", "none.tflite"), 5, "none.tflite"),
    (("inspect", "empty.tflite"), 5, "empty"),
    (("inspect", "zeros.onnx"), 5, "zeros.onnx"),
    (("inspect", "garbage.tflite"), 5, "garbage.tflite"),
    (("inspect", "text.onnx"), 5, "text.onnx"),
    (("validate", "folder"), 5, "folder"),
    (("validate", "empty.tflite"), 5, "empty"),
    (("compare", "empty.tflite", "empty.tflite"), 5, "empty"),
    (("report", "folder"), 5, "there is no report in folder"),
    (("report", "folder", "--format", "pdf"), 2, "no report form is called 'pdf'"),
    (("clean", "--yes", "--workspace", "folder"), 8, "not a workspace"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "folder").mkdir()
    (folder / "empty.tflite").write_bytes(b"")
    (folder / "garbage.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + os.urandom(5000))
    (folder / "text.onnx").write_text("this is no model " * 100)
    with (folder / "zeros.onnx").open("wb") as file:
        file.truncate(1 << 30)
    (folder / "bad_gates.toml").write_text('[parity.fp32]\nmax_rel_rnage = 1.0\nreason = "x"\n')
    return folder


@pytest.mark.parametrize(("arguments", "code", "said"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_one_clear_error(cli, place, arguments, code, said):
    before = sorted(path.name for path in place.iterdir())
    ended = cli(*arguments, cwd=place, timeout=60)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    made = {path.name for path in place.iterdir()} - set(before)
    assert made <= {".edge-export"}


def test_debug_shows_the_traceback_and_json_is_one_document(cli, place):
    assert "Traceback" in cli("inspect", "empty.tflite", "--debug", cwd=place).err
    error = cli("inspect", "empty.tflite", "--json", cwd=place).json["error"]
    assert error["kind"] == "ModelError"
    assert error["exit_code"] == 5


@pytest.mark.torch
def test_faulty_toolkits_cost_their_own_cells_only(cli, own_model, tmp_path):
    (tmp_path / "configs").mkdir()
    limits = own_model / "limits.toml"
    limits.write_text(
        "memory_fraction = 0.08\ntrain_s = 60\nreference_s = 120\nconvert_s = 20\ninspect_s = 60\nmeasure_s = 60\n"
        "latency_s = 60\nlatency_budget_s = 0.3\nrace_budget_s = 0.3\n"
    )
    limits.rename(tmp_path / "configs" / "limits.toml")
    faults = "segfault,hang,memory,refuse,raise,nothing,fake"
    arguments = (
        "run",
        own_model / "net.py:build",
        "-t",
        "onnx",
        "-p",
        "fp32",
        "--route",
        "all",
        "--configs",
        "configs",
        "--json",
    )
    ended = cli(*arguments, cwd=tmp_path, EDGE_EXPORT_TOOLKITS="faulty_toolkit", FAULTY_TOOLKIT=faults)
    assert ended.code == 1, ended.err
    outcomes = {
        cell["route"]: (cell["outcome"], cell["reasons"][0] if cell["reasons"] else "") for cell in ended.json["cells"]
    }
    assert outcomes["onnx"][0] == "PASSED", outcomes["onnx"]
    assert outcomes["faultysegfault"][0] == "CRASHED"
    assert "SIGSEGV" in outcomes["faultysegfault"][1]
    assert outcomes["faultyhang"][0] == "TIMED_OUT"
    assert outcomes["faultymemory"][0] == "CRASHED"
    assert "memory" in outcomes["faultymemory"][1]
    assert outcomes["faultyrefuse"] == ("UNSUPPORTED", outcomes["faultyrefuse"][1])
    assert "FancyAttention" in outcomes["faultyrefuse"][1]
    assert {outcomes[f"faulty{name}"][0] for name in ("raise", "nothing", "fake")} == {"FAILED"}


@pytest.mark.torch
def test_a_full_disk_in_a_toolkit_is_said_and_what_was_finished_is_kept(cli, own_model, tmp_path):
    arguments = ("run", own_model / "net.py:build", "-t", "onnx", "-p", "fp32")
    ended = cli(*arguments, cwd=tmp_path, EDGE_EXPORT_TOOLKITS="faulty_toolkit", FAULTY_TOOLKIT="diskfull")
    assert ended.code == 8
    assert "no space is left" in ended.err
    assert not (tmp_path / "dist").exists()
    said = cli("explain", *arguments[1:], "--json", cwd=tmp_path).json["tasks"]
    assert not next(row for row in said if row["task"] == "load net_torch")["would_run"]


def start(folder, *arguments):
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job has it ignored
    )


def wait_for(folder, pattern, process, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if list(folder.glob(pattern)):
            return
        time.sleep(0.05)
    raise AssertionError(f"{pattern} never came; the run ended with {process.poll()}: {process.communicate()[1]}")


@pytest.mark.torch
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_a_stopped_run_is_taken_up_where_it_ended(cli, own_model, tmp_path, how):
    arguments = ("run", own_model / "net.py:build", "-t", "torchscript")
    process = start(tmp_path, *arguments)
    wait_for(tmp_path, ".edge-export/tmp/*", process)
    time.sleep(1.5)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    if how is signal.SIGKILL:
        assert process.returncode == -9
    else:
        assert process.returncode == 130
        assert "run the same command again to go on" in err
        assert "Traceback" not in err
        assert not list((tmp_path / ".edge-export" / "tmp").glob("*"))
    assert not (tmp_path / "dist").exists()
    again = cli(*arguments, cwd=tmp_path)
    assert again.code == 0, again.err
    assert (tmp_path / "dist" / "net" / "manifest.json").exists()


@pytest.mark.torch
def test_two_runs_in_one_folder(cli, own_model, tmp_path):
    process = start(tmp_path, "run", own_model / "net.py:build", "-t", "torchscript")
    try:
        wait_for(tmp_path, ".edge-export/owner.json", process)
        second = cli("run", own_model / "net.py:build", "-t", "torchscript", cwd=tmp_path)
        assert second.code == 8
        assert "another run is using the workspace" in second.err
    finally:
        process.kill()
        process.communicate()
