"""The live page: a bundle's .tflite files in the reader's own browser, judged there and tried on pictures.

The page and its scripts (pipeline/report/live/) lie in every bundle's report folder. LiteRT.js, 28 MB, does not:
`serve` lends it from where `edge-export devices install browser` has put it, `export` copies it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import converters.litert_web
from converters.devices import browser
from converters.devices.local_server import LocalServer
from converters.errors import ModelError, UnavailableError, UsageError, WorkspaceError
from pipeline.report.again import find_report
from pipeline.report.document import Report

PAGE = "live.html"
FOLDER = "live"
LITERT = f"{FOLDER}/litert"
_OURS = Path(__file__).parent / "live"
_SHARED = Path(converters.litert_web.__file__).parent / "page"
_STYLE = Path(__file__).parent / "templates" / "style.css"
_LITERT_FILES = (
    *("core/package.json", "core/dist/index.js", "wasm-utils/package.json", "wasm-utils/dist/bundle.js"),
    *(
        f"core/wasm/litert_wasm_{kind}internal.{ending}"
        for kind in ("", "compat_", "jspi_")
        for ending in ("js", "wasm")
    ),
)
"""What the page may ask for: the plain build, the one for browsers without relaxed SIMD, and the one for WebGPU."""


def files() -> dict[str, Path]:
    """The page's files by their path in a report folder, LiteRT.js left out."""
    scripts = [*_OURS.glob("*.js"), *(_SHARED / name for name in ("litert.js", "safetensors.js"))]
    others = {f"{FOLDER}/{path.name}": path for path in (*scripts, _OURS / "live.css", _STYLE)}
    return {PAGE: _OURS / PAGE, **dict(sorted(others.items()))}


def wanted(report: Report) -> bool:
    """Whether a report speaks of files that a browser can run."""
    return any(row.format == "tflite" for row in report.artifacts)


def write(folder: Path) -> None:
    """Writes the page into a report folder, without LiteRT.js."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, source in files().items():
        shutil.copyfile(source, folder / name)


def serve(place: Path, port: int = 0) -> LocalServer:
    """Serves the bundle at `place` to this machine, with this version's page and LiteRT.js where it is installed.

    Raises:
        ModelError: there is no bundle.
        UsageError: the port cannot be taken.
    """
    bundle = _bundle(place)
    mounts = {"": bundle, **{f"report/{name}": source for name, source in files().items()}}
    if litert := browser.litert_folder():
        mounts[f"report/{LITERT}"] = litert
    try:
        return LocalServer(mounts, port)
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} cannot be served: {error}; name another, or 0 for any that is free") from error


def export(place: Path, out: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Copies the bundle at `place` with the page and LiteRT.js to the new folder `out`, for any static server.

    Raises:
        ModelError: there is no bundle.
        UnavailableError: LiteRT.js is not installed.
        WorkspaceError: `out` exists and is not empty, or cannot be written.
    """
    bundle, litert = _bundle(place), browser.litert_folder()
    if litert is None:
        version = browser.LITERT["@litertjs/core"][0]
        raise UnavailableError(f"LiteRT.js {version} is not installed here; to have it: {browser.INSTALL}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WorkspaceError(f"{out} exists and is not an empty folder; name a new one")
    try:
        shutil.copytree(bundle, out, dirs_exist_ok=True)
        write(out / "report")
        for name in _LITERT_FILES:
            target = out / "report" / LITERT / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(litert / name, target)
    except OSError as error:
        raise WorkspaceError(f"{out} cannot be written: {error.strerror or error}") from error
    say(f"{out} can be put on any web server; the page is report/{PAGE}")
    return out


def _bundle(place: Path) -> Path:
    folder = find_report(place).parent.parent
    if not (folder / "manifest.json").is_file():
        raise ModelError(f"{place} is a report without its bundle, and the live page needs the bundle's files")
    return folder
