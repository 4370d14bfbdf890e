from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from converters.errors import ModelError
from converters.samples import each_sample, every, load_samples

ARRAYS = {"input.a": np.arange(6.0).reshape(2, 3), "input.b": np.arange(2), "output.a": np.zeros((2, 1))}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_arrays_are_chosen_by_prefix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"golden{suffix}"
    if suffix == ".npz":
        np.savez(path, **ARRAYS)
    else:
        safetensors.numpy.save_file(ARRAYS, path)
    chosen = load_samples(path, "input.")
    assert set(chosen) == {"a", "b"}
    np.testing.assert_array_equal(chosen["a"], ARRAYS["input.a"])
    assert set(load_samples(path)) == set(ARRAYS)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    for value in (1, 2):
        np.savez(path, x=np.full(3, value))
        os.utime(path, ns=(value, value))
        assert load_samples(path)["x"][0] == value


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file of samples"):
        load_samples(tmp_path / "no.npz")
    for name in ("garbage.npz", "garbage.safetensors"):
        path = tmp_path / name
        path.write_bytes(b"garbage" * 9)
        with pytest.raises(ModelError, match=rf"the samples .*{name} cannot be read"):
            load_samples(path)


def test_each_sample_walks_all_names_together() -> None:
    first, second = each_sample({"a": np.array([1, 2]), "b": np.array([3, 4])})
    assert (first, second) == ({"a": 1, "b": 3}, {"a": 2, "b": 4})
    assert all(isinstance(value, np.ndarray) for value in first.values())
    with pytest.raises(ModelError, match=r"different counts: \{'a': 2, 'b': 1\}"):
        list(each_sample({"a": np.array([1, 2]), "b": np.array([3])}))


@pytest.mark.parametrize(
    ("total", "most", "least", "count"),
    [
        (64, 64, 32, 64),
        (64, 63, 32, 32),
        (256, 40, 32, 32),
        (50, 4, 32, 50),
        (65, 33, 0, 33),
        (9, 0, 0, 1),
        (0, 5, 0, 0),
    ],
)
def test_fewer_samples_are_evenly_spread_and_lie_in_more(total, most, least, count):
    rows = every(total, most, least)
    assert len(rows) == count
    assert set(rows) <= set(every(total, 2 * most, least))
    np.testing.assert_array_equal(every(total, len(rows)), rows)  # their number tells which they are
    assert len(set(np.diff(rows))) <= 1
