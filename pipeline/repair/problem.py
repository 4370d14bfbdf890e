"""What is to be repaired: a float file, calibration samples, and data to judge by."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Edge, Precision, TensorSpec
from converters.errors import DataError, ModelError, UnsupportedError, UsageError
from converters.worker import WorkerPool
from pipeline import datasets
from pipeline.config import Limits
from pipeline.datasets.dataset import IMAGE, Dataset
from pipeline.datasets.samples import to_samples
from pipeline.lone import open_artifact
from pipeline.stages.convert import CALIBRATION, calibration_inputs

MOST_UNLABELLED = 256
"""Samples by which outputs are compared where there are no labels."""


@dataclass(frozen=True)
class Problem:
    """A float file, its quantizer, calibration samples in a file, and test samples with their labels, if any."""

    source: Artifact
    edge: Edge
    calibration: Path
    calibration_samples: int
    inputs: Arrays
    targets: np.ndarray | None
    notes: tuple[str, ...] = ()


def of_file(
    path: Path,
    data: str,
    samples: int,
    folder: Path,
    pool: WorkerPool,
    limits: Limits,
    image_size: tuple[int, int] | None = None,
) -> Problem:
    """The problem of a lone file and a data set; calibration samples are written into `folder`.

    Raises:
        UsageError: no data, or a format that nothing here quantizes.
        ModelError: the file is damaged, or not a float one.
        DataError: the data are broken, or do not fit the file.
    """
    if not data:
        raise UsageError(
            "repair needs --data: what the model is calibrated and judged by (a folder of images, an .npz)"
        )
    artifact, _ = open_artifact(path, pool, limits)
    edge = quantizer(artifact)
    if artifact.precision is not Precision.FP32:
        raise ModelError(
            f"{path} is {artifact.precision} already: repair starts from the float file that it was made from"
        )
    dataset = datasets.load(data, image_size=image_size)
    specs = _laid_out(artifact, dataset)
    calibration = folder / CALIBRATION
    np.savez(calibration, allow_pickle=False, **calibration_inputs(dataset, specs, samples))
    inputs = to_samples(dataset.test.inputs, specs, dataset.preprocessing)
    return judged_by(artifact, edge, calibration, inputs, dataset.test.targets, dataset.notes)


def judged_by(
    source: Artifact,
    edge: Edge,
    calibration: Path,
    inputs: Arrays,
    targets: np.ndarray | None,
    notes: tuple[str, ...] = (),
) -> Problem:
    """The problem, with what must be said of its data."""
    if targets is None:
        notes = (*notes, "the data have no labels: judged by how far outputs are from those of the float file")
        count = len(next(iter(inputs.values())))
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_UNLABELLED)).astype(int))
        inputs = {name: values[chosen] for name, values in inputs.items()}
    with np.load(calibration) as archive:
        count = len(archive[archive.files[0]])
    return Problem(source, edge, calibration, count, inputs, targets, notes)


def quantizer(artifact: Artifact) -> Edge:
    """The converter that makes int8 files of float ones of a format, and that keeps layers in float.

    Raises:
        UnsupportedError: there is none.
    """
    able = [e for e in registry.edges() if e.quantizes and Precision.INT8 in e.precisions and "keep" in e.options]
    for edge in able:
        if edge.source is artifact.format:
            return edge
    raise UnsupportedError(
        f"{artifact.path.name} is a {artifact.format} file; repair takes {', '.join(e.source for e in able)}"
    )


def _laid_out(artifact: Artifact, dataset: Dataset) -> tuple[TensorSpec, ...]:
    """What the file takes, with the layout of an image that the file does not name, by the sizes of the images."""
    specs = artifact.source.inputs
    if IMAGE not in dataset.test.inputs or len(specs) != 1:
        return specs
    spec, (height, width, channels) = specs[0], dataset.image_shape
    if spec.layout or len(spec.shape) != 4:
        return specs
    for layout, sizes in (("NHWC", (height, width, channels)), ("NCHW", (channels, height, width))):
        if all(size in (None, wanted) for size, wanted in zip(spec.shape[1:], sizes, strict=True)):
            return (dataclasses.replace(spec, layout=layout),)
    raise DataError(
        f"{artifact.path.name} takes {'x'.join(map(str, spec.shape))}, the images are {height}x{width}x{channels} "
        "(height x width x channels): give data of that size, or --image-size for a folder"
    )
