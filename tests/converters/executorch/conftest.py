from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Artifact]:
    """The ExecuTorch artifact of a tiny model, made once: lowering takes seconds. `again` makes another file."""
    folder = tmp_path_factory.mktemp("executorch")

    @cache
    def made(name: str, backend: str, precision: str, again: str) -> Artifact:
        model = MODELS[name]
        np.savez(folder / f"{name}.npz", **model.inputs(16, seed=5))
        request = ConversionRequest(
            model.source(folder),
            folder / f"{name}_{backend}_{precision}{again}.pte",
            Precision(precision),
            folder / f"{name}.npz",
        )
        return job.convert(f"executorch_{backend}_from_torch", request)

    def export(name: str, backend: str = "xnnpack", precision: str = "fp32", again: str = "") -> Artifact:
        return made(name, backend, precision, again)

    return export
