"""The live page's scripts in a real browser, called one by one from Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from converters.devices.chromium import Chromium
from converters.devices.local_server import LocalServer
from pipeline.report import live_page

Script = Callable[..., Any]


@pytest.fixture(scope="module")
def script(needs_chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """`script(module, body, arrays=..., more=...)`: what `body` returns, a function of the module's exports `m`.

    Arrays come as tensors {data, shape, dtype} under `tensors`, everything else as JSON under its name.
    """
    folder = tmp_path_factory.mktemp("live")
    live_page.write(folder)
    (folder / "blank.html").write_text("<!doctype html><title>tests</title>")
    server, browser = LocalServer({"": folder}), Chromium(needs_chromium, ["--disable-gpu"])
    page = browser.page(f"{server.address}/blank.html")

    def call(module: str, body: str, arrays: Mapping[str, np.ndarray] | None = None, **more: Any) -> Any:
        address = server.offer(save({k: np.asarray(v, order="C") for k, v in (arrays or {}).items()}))
        try:
            return page.evaluate(f"""(async () => {{
              const m = await import("/live/{module}");
              const {{ read }} = await import("/live/safetensors.js");
              const tensors = read(await (await fetch("{address}")).arrayBuffer()).tensors;
              const {{ {", ".join(more)} }} = {json.dumps(more)};
              {body}
            }})()""")
        finally:
            server.take(address)

    yield call
    browser.close()
    server.close()
