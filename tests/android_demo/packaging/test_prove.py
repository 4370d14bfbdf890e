"""The command around the rules, which tests/gates/test_apk_gate.py feeds their faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from android_demo.packaging import prove


def test_what_is_no_apk_is_a_broken_rule_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.apk").write_bytes(b"no zip")
    assert prove.main([str(tmp_path / "a.apk")]) == 1
    assert "FAILED  readable" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert prove.main([str(tmp_path / "gone.apk")]) == 1
    assert "gone.apk" in capsys.readouterr().out
