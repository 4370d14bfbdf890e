from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.devices import keeper


def start(profile: Path, *command: str) -> tuple[subprocess.Popen[bytes], int, int]:
    """(the keeper, what we write to the command's descriptor 3, what we read from its 4)."""
    profile.mkdir(exist_ok=True)
    read, ours_out = os.pipe()
    ours_in, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__, str(profile), str(read), str(write), *command],
        stdin=subprocess.PIPE,
        pass_fds=(read, write),
        start_new_session=True,
    )
    os.close(read)
    os.close(write)
    return process, ours_out, ours_in


def test_the_command_has_its_pipes_and_the_profile_goes_with_it(tmp_path: Path) -> None:
    process, out, back = start(tmp_path / "p", "sh", "-c", "cat <&3 >&4; exit 7")
    os.write(out, b"hello")
    os.close(out)
    assert os.read(back, 10) == b"hello"
    assert os.read(back, 10) == b""
    assert process.wait(10) == 7
    assert not (tmp_path / "p").exists()


def test_a_signal_is_told_as_a_shell_does(tmp_path: Path) -> None:
    process, *_ = start(tmp_path / "p", "sh", "-c", "kill -9 $$")
    assert process.wait(10) == 128 + signal.SIGKILL


@pytest.mark.parametrize("command", ["sleep 1000", "trap '' TERM INT HUP; sleep 1000 & sleep 1000"])
def test_everything_ends_with_the_lifeline(command: str, tmp_path: Path) -> None:
    mark = f"{tmp_path}/p"
    process, *_ = start(tmp_path / "p", "sh", "-c", command, mark)
    time.sleep(0.3)
    assert process.poll() is None
    assert process.stdin
    process.stdin.close()
    assert process.wait(keeper.GRACE_S + 5) == 128 + signal.SIGKILL
    assert not (tmp_path / "p").exists()
    assert mark not in subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout


def test_the_command_may_use_every_cpu_though_we_are_pinned(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        process, _, back = start(tmp_path / "p", "sh", "-c", "nproc >&4")
        assert int(os.read(back, 10)) == len(before)
        process.wait(10)
    finally:
        os.sched_setaffinity(0, before)


def test_a_program_that_is_not_there_leaves_no_profile(tmp_path: Path) -> None:
    process, *_ = start(tmp_path / "p", str(tmp_path / "nothing"))
    assert process.wait(10) != 0
    assert not (tmp_path / "p").exists()
