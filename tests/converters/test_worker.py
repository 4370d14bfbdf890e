from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from converters import registry
from converters import worker as worker_module
from converters.device import Launch
from converters.errors import (
    ContractError,
    DiskFullError,
    ModelError,
    ToolkitCrash,
    ToolkitError,
    ToolkitTimeout,
    UnavailableError,
)
from converters.worker import Worker, WorkerPool, resolve


@pytest.fixture
def worker(tmp_path):
    worker = Worker("test", tmp_path / "logs" / "test.log", memory_limit_bytes=2**29)
    yield worker
    worker.close()


def call(worker, target, timeout_s=20.0, **arguments):
    return worker.call(target, timeout_s, arguments)


def test_arrays_go_there_and_come_back(worker):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(call(worker, "numpy:transpose", a=values), values.T)


def test_one_process_serves_many_calls(worker):
    assert call(worker, "os:getpid") == call(worker, "os:getpid") != os.getpid()


def test_a_segfault_is_an_error_with_the_last_words_and_the_next_call_works(worker):
    with pytest.raises(ToolkitCrash, match=r"(?s)died of SIGSEGV.*wrote last") as caught:
        call(worker, "faulthandler:_sigsegv")
    assert "faulthandler" in str(caught.value)
    assert call(worker, "os:getpid") > 0


def test_an_exit_inside_the_toolkit_is_a_crash(worker):
    with pytest.raises(ToolkitCrash, match="ended with exit code 3"):
        call(worker, "os:_exit", status=3)


def test_what_a_toolkit_leaves_in_its_temporary_folder_goes_with_its_process(worker):
    left = Path(call(worker, "tempfile:mkdtemp"))
    assert left.is_dir()
    assert call(worker, "tempfile:gettempdir") == str(left.parent)
    worker.close()
    assert not left.parent.exists()
    again = Path(call(worker, "tempfile:gettempdir"))
    assert again.is_dir()
    with pytest.raises(ToolkitCrash):
        call(worker, "os:_exit", status=3)
    assert not again.exists()


def test_a_hang_is_stopped_at_its_limit(worker):
    start = time.monotonic()
    with pytest.raises(ToolkitTimeout, match=r"not done after 0.5 s .*limits.toml"):
        call(worker, "faulty_toolkit:faulty_hang", timeout_s=0.5, request=None)
    assert time.monotonic() - start < 15
    assert call(worker, "os:getpid") > 0


def test_eating_memory_is_stopped_at_its_limit(worker):
    with pytest.raises(ToolkitCrash, match=r"GiB of memory, the limit is 0.5 GiB"):
        call(worker, "faulty_toolkit:burn", gibibytes=2.0)


@pytest.mark.parametrize(
    ("target", "kind", "match"),
    [
        ("faulty_toolkit:faulty_raise", ToolkitError, "ZeroDivisionError: a bug in the toolkit"),
        ("faulty_toolkit:faulty_import", UnavailableError, "no_such_toolkit is not installed here; .* doctor"),
        ("faulty_toolkit:faulty_diskfull", DiskFullError, "no space is left"),
        ("faulty_toolkit:no_such", ContractError, "has no function 'no_such'"),
    ],
)
def test_errors_keep_their_kind(worker, target, kind, match):
    with pytest.raises(kind, match=match) as caught:
        call(worker, target, request=None)
    assert any("Traceback" in note for note in caught.value.__notes__)


def test_our_own_errors_arrive_as_they_are(worker, tmp_path):
    with pytest.raises(ModelError, match="there is no file"):
        call(worker, "converters.job:inspect", path=tmp_path / "none.onnx", format="onnx")


def test_progress_arrives_in_order(worker):
    events = []
    worker.call("worker_targets:count", 20.0, {"to": 3}, on_progress=events.append)
    assert events == [{"step": 0}, {"step": 1}, {"step": 2}]


def test_a_failing_callback_ends_the_child(worker):
    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.call("worker_targets:count", 20.0, {"to": 3}, on_progress=stop)
    assert call(worker, "os:getpid") > 0


def test_two_threads_may_end_a_child_at_once(worker, monkeypatch):
    first = call(worker, "os:getpid")
    kill, others = os.killpg, []

    def interrupted(*given):
        if not others:
            others.append(threading.Thread(target=worker.close))
            others[0].start()
            others[0].join()
        kill(*given)

    monkeypatch.setattr(os, "killpg", interrupted)
    worker.close()
    assert call(worker, "os:getpid") != first


def test_a_file_in_the_working_folder_cannot_shadow_a_package(worker):
    Path("colorsys.py").write_text("raise RuntimeError('the wrong module')")
    assert call(worker, "colorsys:rgb_to_hsv", r=0.0, g=0.0, b=0.0) == (0.0, 0.0, 0.0)


def test_the_child_dies_with_its_parent(tmp_path):
    code = (
        "import sys, pathlib; from converters.worker import Worker\n"
        f"worker = Worker('orphan', pathlib.Path({str(tmp_path / 'log')!r}), 2**30)\n"
        "print(worker.call('os:getpid', 20, {}), flush=True)\n"
        "worker.call('faulty_toolkit:faulty_hang', 600, {'request': None})\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=20)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_pool_keeps_one_process_a_name(tmp_path):
    with WorkerPool(tmp_path, 2**30) as pool:
        first = pool.call("a", "os:getpid", 20)
        assert pool.call("a", "os:getpid", 20) == first
        assert pool.call("b", "os:getpid", 20) != first


def test_a_second_process_serves_while_the_first_is_busy_and_each_thread_keeps_its_own(tmp_path):
    with WorkerPool(tmp_path, 2**30, most=2) as pool, ThreadPoolExecutor(1) as beside:
        first = pool.call("a", "os:getpid", 20)
        busy = beside.submit(pool.call, "a", "subprocess:call", 20, args=["sleep", str(3 * worker_module.PATIENCE_S)])
        time.sleep(0.3)
        second = pool.call("a", "os:getpid", 20)
        assert second != first
        assert not busy.done()
        busy.result()
        assert pool.call("a", "os:getpid", 20) == second
        assert beside.submit(pool.call, "a", "os:getpid", 20).result() == first
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a-2.log", "a.log"]


def test_a_short_wait_starts_no_second_process(tmp_path):
    with WorkerPool(tmp_path, 2**30, most=2) as pool, ThreadPoolExecutor(1) as beside:
        first = pool.call("a", "os:getpid", 20)
        beside.submit(pool.call, "a", "subprocess:call", 20, args=["sleep", str(worker_module.PATIENCE_S / 5)])
        time.sleep(0.05)
        assert pool.call("a", "os:getpid", 20) == first


def test_a_device_is_one_process_however_many_are_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "launch", lambda name: Launch(env={"DEVICE": "1"}))
    with WorkerPool(tmp_path, 2**30, most=2) as pool, ThreadPoolExecutor(1) as beside:
        first = pool.call("a", "os:getpid", 20)
        beside.submit(pool.call, "a", "subprocess:call", 20, args=["sleep", str(1.5 * worker_module.PATIENCE_S)])
        time.sleep(0.05)
        assert pool.call("a", "os:getpid", 20) == first


def test_resolve_names_what_is_missing():
    with pytest.raises(ContractError, match="os has no function 'nothing'"):
        resolve("os:nothing")
