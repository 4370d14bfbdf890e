"""What share of the reference the golden inputs exercise: found when they are chosen, kept in the pack, judged here."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from converters.errors import DataError
from pipeline.checks.gates import CoverageGate
from pipeline.checks.outcome import Metric


@dataclass(frozen=True)
class Exercise:
    """Of the channels inside the reference, over the golden inputs, beside what any candidate showed.

    `unmoved` channels are the same for every candidate. `ends_share` of the others reach both ends that any candidate
    reached; `bins_share` is that of the quantile bins. Of `thresholds` (of activations, one a channel) the golden
    inputs lie on both sides of `crossed`, all candidates together on both sides of `reachable`.
    """

    candidates: int
    channels: int
    unmoved: int
    ends_share: float
    bins_share: float
    thresholds: int
    crossed: int
    reachable: int
    not_crossed: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One text, for the metadata of a pack."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Exercise:
        """What `to_json` wrote.

        Raises:
            DataError: it is something else.
        """
        try:
            fields = json.loads(text)
            return cls(**{**fields, "not_crossed": tuple(fields["not_crossed"])})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"what the golden inputs exercise cannot be read: {error}") from error

    def metrics(self) -> dict[str, Metric]:
        """For the report."""
        return {
            "candidates": self.candidates,
            "channels": self.channels,
            "channels_unmoved": self.unmoved,
            "ends_share": self.ends_share,
            "bins_share": self.bins_share,
            "thresholds": self.thresholds,
            "thresholds_crossed": self.crossed,
            "thresholds_reachable": self.reachable,
            **({"not_crossed": "; ".join(self.not_crossed)} if self.not_crossed else {}),
        }

    def faults(self, gate: CoverageGate) -> list[str]:
        """Why golden inputs that show no more than this prove too little."""
        reasons = []
        if self.channels and self.unmoved > gate.max_unmoved_share * self.channels:
            reasons.append(f"{self.unmoved} of {self.channels} channels inside the model never move")
        if self.ends_share < gate.min_end_share:
            reasons.append(
                f"{self.ends_share:.1%} of the channels reach both their ends, wanted {gate.min_end_share:.0%}"
            )
        if self.bins_share < gate.min_bin_share:
            reasons.append(f"{self.bins_share:.1%} of what channels take was shown, wanted {gate.min_bin_share:.0%}")
        if self.crossed < gate.min_crossed_share * self.reachable:
            reasons.append(
                f"{self.crossed} of {self.reachable} thresholds that can be crossed are, "
                f"wanted {gate.min_crossed_share:.0%}"
            )
        return reasons
