"""The browser of this process, and its pages with LiteRT.js: one for each accelerator and number of threads.

A page in which a model failed takes no other: what failed may have left memory of LiteRT.js damaged or lost.
"""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays
from converters.devices import browser
from converters.devices.chromium import Chromium, Page, PageError
from converters.devices.local_server import LocalServer
from converters.errors import ToolkitCrash, UnavailableError

PAGE_FOLDER = Path(__file__).parent / "page"


class LiteRTPage:
    """A page in which LiteRT.js is loaded, and the numbers of the models that are open in it."""

    def __init__(self, engine: Engine, options: dict[str, Any]) -> None:
        self.engine, self.options = engine, options
        self.usable, self.models = True, set[int]()
        self.page: Page = engine.chromium.page(f"{engine.server.address}/page/index.html")
        self.call("start", "/litert/core/wasm/", options)

    def call(self, function: str, *arguments: Any) -> Any:
        """What `bench.<function>` of the page returns; where it throws, the page is not used for another model.

        Raises:
            PageError: it threw; the message is what LiteRT.js said, on the console too.
            ToolkitCrash: the page or the browser died.
        """
        self.page.console()
        try:
            return self.page.evaluate(f"bench.{function}({', '.join(map(json.dumps, arguments))})")
        except PageError as error:
            self.usable = False
            raise PageError("\n".join([*self.page.console(), str(error)])) from None
        except ToolkitCrash:
            self.engine.close()
            raise

    def send(self, arrays: Arrays) -> str:
        """The address under which the page finds the arrays, until `drop`."""
        from safetensors.numpy import save

        return self.engine.server.offer(save({name: np.asarray(value, order="C") for name, value in arrays.items()}))

    def receive(self, address: str) -> Arrays:
        """The arrays that the page has posted to an address of `expect`."""
        from safetensors.numpy import load

        return load(self.engine.server.take(address))


class Engine:
    """A browser, a server for its pages, and the pages."""

    def __init__(self, accelerator: str) -> None:
        """Starts both.

        Raises:
            UnavailableError: no browser or no LiteRT.js here, or it does not start.
        """
        found, litert = browser.find_browser(), browser.litert_folder()
        if found is None or litert is None:
            raise UnavailableError(f"no browser with LiteRT.js is here; to have it: {browser.INSTALL}")
        self.chromium = Chromium(found.executable, browser.flags_for(accelerator), found.env)
        self.server = LocalServer({"page": PAGE_FOLDER, "litert": litert})
        self.ids = itertools.count()
        self.alive = True
        self._pages: list[LiteRTPage] = []

    def page(self, accelerator: str, threads: int) -> LiteRTPage:
        """A page for models of these options: one in which none has failed, or a new one."""
        options = {"accelerator": accelerator, "threads": threads}
        for page in tuple(self._pages):
            if page.usable and page.options == options:
                return page
            if not page.usable and not page.models:
                self._pages.remove(page)
                page.page.close()
        self._pages.append(LiteRTPage(self, options))
        return self._pages[-1]

    def close(self) -> None:
        """Ends the browser and the server."""
        if self.alive:
            self.alive = False
            self.chromium.close()
            self.server.close()


@functools.cache
def _engines() -> dict[str, Engine]:
    return {}


def engine(accelerator: str) -> Engine:
    """The running browser for an accelerator, started when it is first wanted or has died."""
    running = _engines().get(accelerator)
    if running is None or not running.alive:
        running = _engines()[accelerator] = Engine(accelerator)
    return running
