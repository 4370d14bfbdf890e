from __future__ import annotations

from pathlib import Path

import pytest
import sample_bundle

from android_demo.packaging import check_bundle
from pipeline.bundle import write_bundle


def test_a_whole_bundle_will_do_and_a_changed_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bundle = write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "out")
    assert check_bundle.main([str(bundle)]) == 0
    file = next(bundle.glob("*.tflite"))
    file.write_bytes(b"changed")
    assert check_bundle.main([str(bundle)]) == 5
    assert file.name in capsys.readouterr().err
