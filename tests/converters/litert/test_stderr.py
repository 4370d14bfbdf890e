from __future__ import annotations

import os

import pytest

from converters.litert.stderr import listening


def test_what_native_code_writes_is_heard_and_handed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with listening() as words:
        os.write(1, b"to stdout\n")
        os.write(2, b"to stderr, \xff no text\n")
    assert words.text == "to stdout\nto stderr, � no text\n"
    os.write(1, b"after\n")
    out, err = capfd.readouterr()
    assert out == "after\n"
    assert err.startswith("to stdout\nto stderr")


def test_a_failure_in_the_block_gives_the_streams_back(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with listening():
            os.write(2, b"last words\n")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "last words\nstill here\n"


def test_much_is_heard_whole() -> None:
    line = b"x" * 1023 + b"\n"
    with listening() as words:
        for _ in range(1024):
            os.write(2, line)
    assert len(words.text) == 1024 * 1024
