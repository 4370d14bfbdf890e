"""Stage `data`: a data set, checked and stored in one form whatever it came from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from converters.errors import DataError
from pipeline import datasets
from pipeline.datasets import hook
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing
from pipeline.store import digest
from pipeline.task import Context, Task, code

HOOK = "data"
"""The worker that runs the user's own function."""


def data_task(
    spec: str,
    *,
    full: bool = False,
    image_size: tuple[int, int] | None = None,
    labels: str = "",
    preprocessing: Preprocessing = AS_THEY_ARE,
    limit_s: float = 600,
) -> Task:
    """Loads `spec` (a built-in name, a folder of images, an .npz, a function) and saves it as `Dataset.save` does.

    `labels` is a text file with the names of the classes, `preprocessing` what becomes of pixels on the way into the
    model; `limit_s` is the time of the user's own function.

    Raises:
        DataError: there is no such data; told before anything runs.
    """
    names = _names(Path(labels)) if labels else ()

    def work(context: Context) -> None:
        cache = context.scratch.parent / "downloads"
        place = spec
        if hook.is_hook(spec):
            place = str(context.folder / "samples.npz")
            context.call(HOOK, "pipeline.datasets.hook:save", limit_s, spec=spec, place=Path(place))
        dataset = datasets.load(place, full=full, cache=cache, image_size=image_size, preprocessing=preprocessing)
        if place != spec:
            Path(place).unlink()
            dataset = dataclasses.replace(dataset, name=Path(spec.rpartition(".py:")[0]).name, source=spec)
        if names and len(names) != len(dataset.labels):
            raise DataError(f"{labels} names {len(names)} classes, the data has {len(dataset.labels)}")
        (dataclasses.replace(dataset, labels=names) if names else dataset).save(context.folder)

    ingredients = {
        "data": datasets.fingerprint(spec, full),
        "image size": str(image_size),
        "preprocessing": str(preprocessing),
        "names of the classes": digest(names),
        "code of the data sets": code("pipeline/datasets"),
    }
    lane = HOOK if hook.is_hook(spec) else ""
    return Task(f"data {spec}{' (full)' if full else ''}", "data", ingredients, work, lane=lane)


def _names(path: Path) -> tuple[str, ...]:
    """The lines of a text file.

    Raises:
        DataError: it cannot be read, or names nothing.
    """
    try:
        lines = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the names of the classes cannot be read from {path}: {error}") from error
    if not lines:
        raise DataError(f"{path} names no class; write one name a line")
    return lines
