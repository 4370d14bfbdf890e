"""A headless Chromium of our own, spoken to by pipes: no port is opened, nothing is sent, nothing is left behind.

Protocol: https://chromedevtools.github.io/devtools-protocol/; with `--remote-debugging-pipe` a message is JSON ended
by a zero byte, read by the browser from descriptor 3 and written to 4.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.devices import keeper
from converters.errors import ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError

FLAGS = (
    *("--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--log-level=3"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync"),
    *("--disable-extensions", "--disable-breakpad", "--disable-crash-reporter", "--disable-domain-reliability"),
    *("--disable-client-side-phishing-detection", "--no-pings", "--no-service-autorun", "--metrics-recording-only"),
    *("--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-hang-monitor"),
    *("--disable-backgrounding-occluded-windows", "--password-store=basic", "--use-mock-keychain", "--mute-audio"),
    "--disable-features=Translate,MediaRouter,OptimizationHints,InterestFeedContentSuggestions",
)
"""A browser that does nothing by itself."""
NO_SANDBOX = "--no-sandbox"
PROFILE = "edge-export-browser-"
_LONGEST_FOLDER = 32
"""The browser makes a socket in its profile, whose whole path may have 107 characters."""
_NO_SANDBOX_HERE = "No usable sandbox"
_KEEPER = (sys.executable, "-I", "-S", keeper.__file__)
_LAST_LINES = 8
START_S = 30.0


class PageError(ToolkitError):
    """What a page's own code threw: the error's name and message."""


class Chromium:
    """One browser process with an empty profile; both are gone when it is closed, and when this process ends."""

    def __init__(
        self,
        executable: Path,
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        start_s: float = START_S,
    ) -> None:
        """Starts it.

        Without a sandbox where root starts it, and where the system offers none: only our own pages are opened.

        Raises:
            UnavailableError: it does not start; the message holds its last words.
        """
        sandbox = () if os.geteuid() else (NO_SANDBOX,)
        try:
            self._start(executable, (*sandbox, *flags), env or {}, start_s)
        except UnavailableError as error:
            if sandbox or _NO_SANDBOX_HERE not in str(error):
                raise
            self._start(executable, (NO_SANDBOX, *flags), env or {}, start_s)

    def _start(self, executable: Path, flags: Sequence[str], env: Mapping[str, str], start_s: float) -> None:
        self._buffer, self._next, self._events = b"", 0, list[dict[str, Any]]()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the browser
        profile = tempfile.mkdtemp(prefix=PROFILE, dir=_short_folder())
        read_by_it, self._out = os.pipe()
        self._in, written_by_it = os.pipe()
        command = [str(executable), *FLAGS, f"--user-data-dir={profile}", *flags, "about:blank"]
        try:
            self._keeper = subprocess.Popen(
                [*_KEEPER, profile, str(read_by_it), str(written_by_it), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                pass_fds=(read_by_it, written_by_it),
                start_new_session=True,  # whoever ends our process group must not end the keeper
                env={**os.environ, **_home(profile), **env},
            )
        finally:
            os.close(read_by_it)
            os.close(written_by_it)
        try:
            self.version = str(self.send("Browser.getVersion", timeout_s=start_s)["product"])
        except (ToolkitCrash, ToolkitTimeout) as error:
            self.close()
            raise UnavailableError(f"{executable} does not start: {error}") from error

    def page(self, url: str, timeout_s: float | None = None) -> Page:
        """A new page that has loaded `url`."""
        return Page(self, url, timeout_s)

    def send(self, method: str, session: str = "", timeout_s: float | None = None, **parameters: Any) -> Any:
        """The result of one command of the protocol.

        Raises:
            ToolkitCrash: the browser, or the page of that session, has died.
            ToolkitTimeout: no answer after `timeout_s` seconds.
            ToolkitError: the browser refuses the command.
        """
        if self._out < 0:
            raise ToolkitCrash("the browser was closed")
        self._next += 1
        own = self._next
        message = {"id": own, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        try:
            with os.fdopen(self._out, "wb", closefd=False) as stream:
                stream.write(json.dumps(message).encode() + b"\0")
        except OSError:
            raise ToolkitCrash(self._epitaph()) from None
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            reply = self._receive(method, deadline)
            if reply.get("id") == own:
                if "error" in reply:
                    raise ToolkitError(f"{method}: {reply['error'].get('message')}")
                return reply["result"]
            if "method" in reply:
                self._events.append(reply)
                if session and reply["method"] == "Inspector.targetCrashed" and reply.get("sessionId") == session:
                    raise ToolkitCrash("the page died while it worked: out of memory, or a fault of the browser")

    def events(self, session: str, method: str) -> list[dict[str, Any]]:
        """What has happened in a page by the name of `method` since it was last asked."""
        mine = [e for e in self._events if e.get("sessionId") == session and e["method"] == method]
        self._events = [event for event in self._events if event not in mine]
        return [event["params"] for event in mine]

    def close(self) -> None:
        """Ends the browser and waits until nothing of it is left."""
        if self._out < 0:
            return
        os.close(self._out)
        os.close(self._in)
        self._out = self._in = -1
        if self._keeper.stdin:
            self._keeper.stdin.close()
        self._keeper.wait()
        self._words.close()

    def _receive(self, method: str, deadline: float | None) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            wait = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([self._in], [], [], wait)[0]:
                raise ToolkitTimeout(f"the browser did not answer {method} in time")
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise ToolkitCrash(self._epitaph())
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        reply: dict[str, Any] = json.loads(message)
        return reply

    def _epitaph(self) -> str:
        code = self._keeper.wait()
        how = f"of {signal.Signals(code - 128).name}" if code > 128 else f"with exit code {code}"
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"the browser ended {how}; " + ("\n  ".join(["it wrote last:", *lines[-_LAST_LINES:]]) if lines else "")


class Page:
    """A page with its console."""

    def __init__(self, browser: Chromium, url: str, timeout_s: float | None) -> None:
        self.browser = browser
        self.target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.send("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Inspector"):
            self.send(f"{domain}.enable")
        if error := self.send("Page.navigate", url=url, timeout_s=timeout_s).get("errorText"):
            raise ToolkitError(f"the browser cannot open {url}: {error}")
        self.evaluate(
            "document.readyState === 'complete' || new Promise((done) => addEventListener('load', () => done(true)))",
            timeout_s,
        )

    def send(self, method: str, timeout_s: float | None = None, **parameters: Any) -> Any:
        """`Chromium.send` to this page."""
        return self.browser.send(method, self.session, timeout_s, **parameters)

    def evaluate(self, expression: str, timeout_s: float | None = None) -> Any:
        """The value (JSON-able) of a JavaScript expression; a promise is waited for.

        Raises:
            PageError: it threw.
            ToolkitCrash, ToolkitTimeout: as `Chromium.send`.
        """
        reply = self.send("Runtime.evaluate", timeout_s, expression=expression, awaitPromise=True, returnByValue=True)
        if failure := reply.get("exceptionDetails"):
            thrown = failure.get("exception", {})
            raise PageError(thrown.get("description") or str(thrown.get("value", failure.get("text"))))
        return reply["result"].get("value")

    def console(self) -> list[str]:
        """What was written to the page's console since the last call, one text a message."""
        return [
            " ".join(str(argument.get("value", argument.get("description", ""))) for argument in event["args"])
            for event in self.browser.events(self.session, "Runtime.consoleAPICalled")
        ]

    def close(self) -> None:
        """Closes it, if its browser still lives."""
        with contextlib.suppress(ToolkitError):
            self.browser.send("Target.closeTarget", targetId=self.target, timeout_s=START_S)


def _short_folder() -> str:
    """Where profiles are made: the folder for temporary files, or /tmp where that has too long a name."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"


def _home(profile: str) -> dict[str, str]:
    """Everything that the browser writes goes into its profile, and it talks to no desktop."""
    return {
        "HOME": profile,
        "TMPDIR": profile,
        "XDG_CONFIG_HOME": profile,
        "XDG_CACHE_HOME": profile,
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
    }
