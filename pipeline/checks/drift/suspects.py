"""What a comparison of two files found: suspects, and how much of the files was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from converters.errors import ContractError
from pipeline.checks.outcome import Outcome

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Side:
    """A layer as one of the two files has it: tensor names, and the parameters that differ from the other file's."""

    op_index: int | None
    op_type: str
    tensors: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Suspect:
    """A layer that is not the reference's. `kind` is what differs, `measure` how much, `cause` what it looks like.

    `order` is its place in the reference's order of computation.
    """

    kind: str
    a: Side
    b: Side
    measure: str
    cause: str
    order: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As the verb prints it; the operator is the second file's, or the first's where the second lacks it."""
        shown = self.b if self.b.op_index is not None else self.a
        return {
            "op_index": shown.op_index,
            "op_type": shown.op_type,
            "kind": self.kind,
            **{name: _side(side) for name, side in (("a", self.a), ("b", self.b))},
            "measure": self.measure,
            "cause": self.cause,
        }


@dataclass(frozen=True)
class Layer:
    """What one layer gives on both sides; None for the side that lacks it, or where its values were not seen.

    `snr_db` of b's values against a's; `steps` is the root mean square of the error in steps of b's 8-bit grid.
    """

    a: Side | None
    b: Side | None
    snr_db: float | None = None
    steps: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As the report keeps it."""
        sides = {name: None if side is None else _place(side) for name, side in (("a", self.a), ("b", self.b))}
        return {**sides, "snr_db": self.snr_db, "steps": self.steps}


@dataclass(frozen=True)
class Drift:
    """The verdict on file `b` against file `a`. `layers` are in the order of computation, where they were asked for."""

    a: str
    b: str
    outcome: Outcome
    suspects: tuple[Suspect, ...]
    coverage: dict[str, float | int | None]
    notes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        if self.suspects and self.outcome is Outcome.PASSED:
            raise ContractError(f"{self.b} against {self.a} is PASSED, with {len(self.suspects)} suspects")

    def to_json(self) -> dict[str, Any]:
        """The document that `edge-export drift --json` prints."""
        suspects = [suspect.to_json() for suspect in self.suspects]
        return {
            "schema_version": SCHEMA_VERSION,
            "a": self.a,
            "b": self.b,
            "outcome": self.outcome.value,
            "first": suspects[0] if suspects else None,
            "suspects": suspects,
            "coverage": self.coverage,
            "notes": list(self.notes),
            **({"layers": [layer.to_json() for layer in self.layers]} if self.layers else {}),
        }


def _side(side: Side) -> dict[str, Any]:
    return {**_place(side), "parameters": side.parameters}


def _place(side: Side) -> dict[str, Any]:
    return {"op_index": side.op_index, "op_type": side.op_type, "tensors": list(side.tensors)}
