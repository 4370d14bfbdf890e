"""Stage `data`: a data set, checked and stored in one form whatever it came from."""

from __future__ import annotations

from pipeline import datasets
from pipeline.task import Context, Task, code


def data_task(spec: str, *, full: bool = False, image_size: tuple[int, int] | None = None) -> Task:
    """Loads `spec` (a built-in name, a folder of images, an .npz) and saves it as `Dataset.save` does.

    Raises:
        DataError: there is no such data; told before anything runs.
    """

    def work(context: Context) -> None:
        cache = context.scratch.parent / "downloads"
        dataset = datasets.load(spec, full=full, cache=cache, image_size=image_size)
        dataset.save(context.folder)

    ingredients = {
        "data": datasets.fingerprint(spec, full),
        "image size": str(image_size),
        "code of the data sets": code("pipeline/datasets"),
    }
    return Task(f"data {spec}{' (full)' if full else ''}", "data", ingredients, work)
