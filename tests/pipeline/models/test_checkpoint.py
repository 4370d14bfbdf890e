from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.models import checkpoint
from pipeline.models.checkpoint import CheckpointError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b/c": np.array(7, np.int64)}
STATE = {"epoch": 3, "best_loss": 0.1 + 0.2, "key": "abc"}


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "new" / "c", ARRAYS, STATE)
    found = checkpoint.load(tmp_path / "new" / "c")
    assert found is not None
    assert found[1] == STATE
    assert set(found[0]) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[0][name], array)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["c"]


def test_none_is_no_error(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "c") is None


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "zeros"])
def test_damage_is_found(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c"
    checkpoint.save(path, ARRAYS, STATE)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    kinds = {"empty": b"", "truncated": path.read_bytes()[:-4], "flipped": bytes(content), "zeros": bytes(len(content))}
    path.write_bytes(kinds[damage])
    with pytest.raises(CheckpointError, match="the checkpoint c is damaged"):
        checkpoint.load(path)
