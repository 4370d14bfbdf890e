"""Workers that are this process, for tests; see `benchmarks.mutation.in_process`."""

from benchmarks.mutation.in_process import InProcess

__all__ = ["InProcess"]
