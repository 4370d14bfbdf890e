"""Sessions of a worker process: files opened in a runtime and kept open, toolkits' exceptions turned into ours."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from converters import content, registry
from converters.contract import Artifact
from converters.errors import ContractError, EdgeExportError, ModelError, ToolkitError, UnsupportedError
from converters.session import Session
from converters.words import is_refusal, last_words

_OPEN_SESSIONS = 8
_sessions: dict[tuple[Any, ...], Session] = {}


def open_session(runtime: str, artifact: Artifact, threads: int = 1) -> Session:
    """A loaded model, kept open in this process.

    Raises:
        ContractError: the runtime does not open this format.
        ModelError: the file is missing or damaged.
    """
    if not content.present(artifact.path):
        raise ModelError(f"{artifact.path} is missing; convert the model again")
    spoken = [
        (spec.name, spec.shape, spec.dtype, spec.layout) for spec in artifact.source.inputs + artifact.source.outputs
    ]
    stamp = content.stamp(artifact.path)
    key = (str(artifact.path), stamp, runtime, threads, repr(artifact.signature), repr(spoken))
    if key not in _sessions:
        while len(_sessions) >= _OPEN_SESSIONS:
            _sessions.pop(next(iter(_sessions))).close()
        _sessions[key] = open_anew(runtime, artifact, threads)
    return _sessions[key]


def open_anew(runtime: str, artifact: Artifact, threads: int) -> Session:
    """A loaded model that has seen nothing.

    Raises:
        ContractError: the runtime does not open this format.
        UnsupportedError: it refuses a file that a converter wrote and that read back: no wrong numbers come of it. A
            file of others that does not open is damaged, and keeps the error that says so.
    """
    spec = registry.runtime(runtime)
    if artifact.format not in spec.formats:
        raise ContractError(f"{runtime} opens {', '.join(spec.formats)} files, not {artifact.format}")
    opener = importlib.import_module(spec.module).open
    try:
        session: Session = guarded(spec, lambda: opener(artifact, runtime, threads))
    except (ModelError, ToolkitError) as error:
        if not artifact.route or isinstance(error, UnsupportedError):
            raise
        raise UnsupportedError(f"{runtime} does not open what {artifact.producer} wrote: {error}") from error
    return session


def guarded(who: Any, work: Callable[[], Any]) -> Any:
    """The result of `work`; a toolkit's own exceptions become ours."""
    try:
        return work()
    except EdgeExportError:
        raise
    except MemoryError as error:
        raise ToolkitError(f"{who.name} ran out of memory") from error
    except OSError as error:
        if error.errno is not None:  # the file system's, for the driver to name: no space, no permission
            raise
        raise ToolkitError(f"{who.name}: {last_words(error)}") from error
    except Exception as error:
        kind = UnsupportedError if is_refusal(error) else ToolkitError
        raise kind(f"{who.name}: {last_words(error)}") from error
