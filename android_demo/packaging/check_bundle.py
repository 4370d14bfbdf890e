"""Looks through a bundle before anything is built with it: `python -m android_demo.packaging.check_bundle FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from converters.errors import EdgeExportError
from pipeline.bundle import open_bundle


def main(arguments: list[str] | None = None) -> int:
    """0 where the bundle is whole; else the exit code of the first fault, which is said."""
    (folder,) = sys.argv[1:] if arguments is None else arguments
    try:
        open_bundle(Path(folder))
    except EdgeExportError as error:
        sys.stderr.write(f"[apk] {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
