"""The exception tree of the whole project.

EdgeExportError                 something the user can act on; `exit_code` is the process's
├── UsageError            (2)   an option, target, model or gate name that does not exist
├── ConfigError           (3)   a TOML file with an unknown key, a wrong type or an impossible value
├── DataError             (4)   a data set that is missing, broken or unfit for the model
├── ModelError            (5)   a model or artifact file that is missing, damaged, unsafe or of another format
├── ToolkitError          (6)   a toolkit failed while it worked
│   ├── UnsupportedError        the toolkit says that it cannot do this
│   ├── ToolkitCrash            the worker process died (signal, abort, memory limit)
│   └── ToolkitTimeout          the worker process passed its time limit
├── UnavailableError      (7)   a toolkit or device that is not on this machine; says what would make it run
├── WorkspaceError        (8)   the workspace is busy, damaged beyond rebuilding, or cannot be written
│   └── DiskFullError
└── ContractError         (70)  a converter or runtime broke its contract: a bug of ours or of a plug-in

Exit code 1 is kept for "the work ran and a gate failed", 130 for Ctrl-C.
"""

from __future__ import annotations


class EdgeExportError(Exception):
    """One clear message: what was asked, what was found, what exists, what to do."""

    exit_code = 70


class UsageError(EdgeExportError):
    """An option, target, model or gate name that does not exist."""

    exit_code = 2


class ConfigError(EdgeExportError):
    """A TOML file with an unknown key, a wrong type or an impossible value."""

    exit_code = 3


class DataError(EdgeExportError):
    """A data set that is missing, broken or unfit for the model."""

    exit_code = 4


class ModelError(EdgeExportError):
    """A model or artifact file that is missing, damaged, unsafe or of another format."""

    exit_code = 5


class ToolkitError(EdgeExportError):
    """A toolkit failed while it worked; the message ends with its own last words."""

    exit_code = 6


class UnsupportedError(ToolkitError):
    """The toolkit says that it cannot do this."""


class ToolkitCrash(ToolkitError):
    """The worker process died: by a signal, an abort, or the memory limit."""


class ToolkitTimeout(ToolkitError):
    """The worker process passed its time limit and was killed."""


class UnavailableError(EdgeExportError):
    """A toolkit or device that is not on this machine; the message says what would make it run."""

    exit_code = 7


class WorkspaceError(EdgeExportError):
    """The workspace is busy, damaged beyond rebuilding, or cannot be written."""

    exit_code = 8


class DiskFullError(WorkspaceError):
    """No space is left where the workspace or the output folder lives."""


class ContractError(EdgeExportError):
    """A converter, quantizer or runtime broke its contract."""

    exit_code = 70
