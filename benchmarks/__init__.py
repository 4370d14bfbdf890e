"""The project's own figures, each measured beside its goal: `make bench`. docs/figures.md says how and why."""
