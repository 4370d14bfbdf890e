"""Files that travel with the project: configuration and the data subset."""

from __future__ import annotations

from pathlib import Path

import pipeline


def resource(name: str) -> Path:
    """The path of `configs/...` or `data/...`: inside an installed wheel, otherwise in the repository.

    The path need not exist: whoever reads it says what is missing.
    """
    package = Path(pipeline.__file__).resolve().parent
    installed = package / "resources" / name
    return installed if installed.exists() else package.parent / name
