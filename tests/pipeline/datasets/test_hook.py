from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.errors import DataError, ModelError
from pipeline.datasets import hook, load, npz

CODE = """
import numpy as np
X = np.arange(80, dtype=np.float32).reshape(20, 4)
def named(): return {"x": X, "labels": np.arange(20) % 2}
def pair(): return X, [0, 1] * 10
def alone(): return X
def fails(): raise ValueError("the bucket is closed")
def nothing(): return None
def texts(): return {"x": np.array(["a", None], dtype=object)}
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "samples.py").write_text(CODE)
    return tmp_path / "samples.py"


@pytest.mark.parametrize(("function", "classes"), [("named", 2), ("pair", 2), ("alone", 0)])
def test_what_the_function_returns_is_a_data_set(code: Path, tmp_path: Path, function: str, classes: int) -> None:
    hook.save(f"{code}:{function}", tmp_path / "s.npz")
    found = npz.load(tmp_path / "s.npz", 0)
    assert found.classes == classes
    assert found.test.inputs["x"].dtype == np.float32


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("fails", DataError, "failed: ValueError: the bucket is closed"),
        ("nothing", DataError, "returned NoneType; return a dict of arrays by input name"),
        ("texts", DataError, "'x' is no array of samples"),
        ("missing", DataError, "has no function 'missing' that gives data"),
    ],
)
def test_what_is_no_data_is_said(code: Path, tmp_path: Path, function: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        hook.save(f"{code}:{function}", tmp_path / "s.npz")
    assert not (tmp_path / "s.npz").exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*none.py for the data"):
        hook.fingerprint(f"{tmp_path}/none.py:f")
    with pytest.raises(ModelError, match="there is no file"):
        hook.save(f"{tmp_path}/none.py:f", tmp_path / "s.npz")


def test_what_lies_beside_the_code_counts(code: Path) -> None:
    before = hook.fingerprint(f"{code}:named")
    assert hook.fingerprint(f"{code}:named") == before
    (code.parent / "pictures.bin").write_bytes(b"x")
    assert hook.fingerprint(f"{code}:named") != before
    assert hook.is_hook(f"{code}:named")
    with pytest.raises(DataError):
        load(str(code))
