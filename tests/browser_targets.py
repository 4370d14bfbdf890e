"""What tests make a worker do to its browser."""

from __future__ import annotations

import os

from converters.contract import Arrays, Artifact
from converters.litert_web import runtime
from converters.litert_web.engine import engine
from converters.litert_web.runtime import WebSession


def hang() -> None:
    """A page that never answers again, its browser included."""
    engine("wasm").chromium.page("about:blank").evaluate("(() => { for (;;); })()")


def die(artifact: Artifact, signal: int) -> None:
    """The browser is killed under an open session."""
    session = opened(artifact)
    import psutil

    keeper = psutil.Process(session.engine.chromium._keeper.pid)
    os.kill(keeper.children()[0].pid, signal)
    session.page.call("time", 0, "", 1)


def crash_page(artifact: Artifact) -> None:
    """The page's process dies, the browser lives."""
    session = opened(artifact)
    try:
        session.page.page.send("Page.crash")
    finally:
        session.engine.close()


def run(artifact: Artifact, inputs: Arrays) -> Arrays:
    """What a session gives."""
    return opened(artifact).run_many(inputs)


def opened(artifact: Artifact) -> WebSession:
    """A session in the browser's wasm."""
    session = runtime.open(artifact, "litert-web[wasm]", 1)
    assert isinstance(session, WebSession)
    return session
