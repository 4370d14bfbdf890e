"""Float nets by hand with data that they answer themselves, and a bench for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters import job
from converters.contract import Artifact
from converters.worker import WorkerPool
from pipeline.config import Limits
from pipeline.configs import load_configs
from pipeline.lone import toolbox
from pipeline.repair.candidates import Bench
from pipeline.repair.problem import of_file

COUNT = 5000


@pytest.fixture(scope="session")
def tools() -> Iterator[tuple[WorkerPool, Limits]]:
    with toolbox() as made:
        yield made


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """`relu` and `onnx`, which can be equalized, `blocked`, which cannot, `easy`, which needs nothing."""
    folder = tmp_path_factory.mktemp("nets")
    return {
        "relu": outlier_nets.tflite(folder / "relu.tflite", gain=200.0),
        "easy": outlier_nets.tflite(folder / "easy.tflite", gain=1.0),
        "blocked": outlier_nets.tflite(folder / "blocked.tflite", gain=400.0, blocked=True),
        "onnx": outlier_nets.onnx_file(folder / "relu.onnx", gain=200.0),
    }


@pytest.fixture(scope="session")
def data(nets: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """An .npz of images and of what a net answers; `labels=False` without that."""
    folder = tmp_path_factory.mktemp("data")

    def make(name: str, labels: bool = True) -> Path:
        images = outlier_nets.images(COUNT)
        called = images.transpose(0, 1, 4, 2, 3) if name == "onnx" else images
        runtime = "onnxruntime" if name == "onnx" else "litert-reference"
        answers = job.open_session(runtime, nets[name]).run_many({"image": called})["logits"][:, 0].argmax(axis=1)
        path = folder / f"{name}{labels}.npz"
        arrays = {"x": called[:, 0]} | ({"labels": answers} if labels else {})
        np.savez(path, allow_pickle=False, label_names=np.array(["a", "b", "c"]), **arrays) if labels else np.savez(
            path, allow_pickle=False, **arrays
        )
        return path

    return make


@pytest.fixture
def bench(
    nets: dict[str, Artifact], data: Callable[..., Path], tools: tuple[WorkerPool, Limits], tmp_path: Path
) -> Callable[..., Bench]:
    """The bench of a net with its own answers as labels."""
    _, gates = load_configs(None, None)

    def make(name: str = "relu", target_drop: float | None = None, labels: bool = True) -> Bench:
        folder = tmp_path / f"{name}{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        problem = of_file(nets[name].path, str(data(name, labels)), 64, folder, *tools)
        return Bench(problem, target_drop, gates, folder, *tools)

    return make
