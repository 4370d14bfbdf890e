"""One browser for all tests of the folder: starting it takes a second or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from conftest import USER_CACHE

from converters.contract import Artifact
from converters.devices import browser, cache
from converters.litert_web import engine, runtime
from converters.session import Session

Open = Callable[..., Session]


@pytest.fixture(scope="module")
def web(not_run: Callable[[str], NoReturn]) -> Iterator[Open]:
    """Opens an artifact in the browser; the accelerator is the second argument."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(USER_CACHE))
        found = browser.devices()
        if found[0].missing:
            not_run(f"needs a browser with LiteRT.js ({found[0].missing}): {found[0].remedy}")

        def open_in_browser(artifact: Artifact, accelerator: str = "wasm", threads: int = 1) -> Session:
            if accelerator not in [device.name for device in found]:
                not_run(f"needs a browser that offers {accelerator}")
            patch.setenv(cache.VARIABLE, str(USER_CACHE))
            return runtime.open(artifact, f"litert-web[{accelerator}]", threads)

        yield open_in_browser
        for running in engine._engines().values():
            running.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test may write a model."""
    return tmp_path / "model.tflite"
