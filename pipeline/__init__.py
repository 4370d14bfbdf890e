"""Order, state and evidence: plans the work, runs it in workers, judges it and reports it."""

__version__ = "0.1.0"
