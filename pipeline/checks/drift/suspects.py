"""What a comparison of two files found: suspects, and how much of the files was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from converters.errors import ContractError
from pipeline.checks.outcome import Outcome

SCHEMA_VERSION = 1
MOST_SHOWN = 8
"""Values of an attribute that are shown; the leaves of a tree are thousands."""


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


def other_attribute(name: str, ours: Any, theirs: Any) -> str:
    """In words that one operator says `theirs` where the reference says `ours`; of lists the first that differs."""
    if not (_is_long(ours) and _is_long(theirs)):
        return f"{name} is {shortened(theirs)}, not {shortened(ours)}"
    if len(ours) != len(theirs):
        return f"{name} has {len(theirs)} values, not {len(ours)}"
    places = [place for place, (one, two) in enumerate(zip(ours, theirs, strict=True)) if one != two]
    first = f"the first, {places[0]}, is {theirs[places[0]]}, not {ours[places[0]]}" if places else ""
    return f"{len(places)} of {len(ours)} values of {name} differ: {first}"


def shortened(value: Any) -> Any:
    """An attribute as it is shown: of a long list how long it is."""
    return f"{len(value)} values" if _is_long(value) else value


def holds_numbers(value: Any) -> bool:
    """Whether an attribute is a constant: a long list of numbers that are not whole."""
    return _is_long(value) and any(isinstance(one, float) and not one.is_integer() for one in value)


def _is_long(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) > MOST_SHOWN
