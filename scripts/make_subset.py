"""Makes data/fashion-mnist-10k.npz from the whole of Fashion-MNIST: the same bytes every time.

Usage: python scripts/make_subset.py [FOLDER_WITH_THE_FOUR_GZ_FILES] [OUTPUT.npz]
Without a folder the data is found as `--full` finds it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.datasets import fashion_mnist  # noqa: E402 - the repository is put on the path first
from pipeline.datasets.dataset import IMAGE, Split  # noqa: E402
from pipeline.datasets.split import balanced  # noqa: E402

TRAIN_PER_CLASS = 1000
TEST_PER_CLASS = 200
SEED = 0


def take(split: Split, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels) of `per_class` samples of every class, in the order of the whole set."""
    assert split.targets is not None
    rows = balanced(split.targets, per_class, SEED)
    return split.inputs[IMAGE][rows], split.targets[rows].astype(np.uint8)


def main(folder: str = "", output: str = str(ROOT / fashion_mnist.SUBSET)) -> None:
    """Writes the subset; zip members carry no time, so the bytes depend on the data, numpy and zlib only."""
    if folder:
        os.environ[fashion_mnist.VARIABLE] = folder
    whole = fashion_mnist.load(full=True, cache=None)
    assert whole.train is not None
    x_train, y_train = take(whole.train, TRAIN_PER_CLASS)
    x_test, y_test = take(whole.test, TEST_PER_CLASS)
    names = np.array(fashion_mnist.LABELS)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test, "label_names": names}
    np.savez_compressed(Path(output), **arrays)
    size = Path(output).stat().st_size
    sys.stdout.write(f"{output}: {len(x_train)} training and {len(x_test)} test images, {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
