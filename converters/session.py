"""A loaded model that is run: names, types and shapes are checked in one place, whatever the toolkit."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from converters.contract import Arrays, Artifact


class Session(ABC):
    """A loaded model. The public methods check names, dtypes and shapes once; a toolkit writes `_call`.

    Values go in and come out in the *source* model's layout and dtype (`artifact.source`): the session
    transposes, quantizes and dequantizes by the specs. A model that keeps state between calls says so by `stateful`;
    its stacked samples are then one sequence of calls from a fresh state.
    """

    stateful = False
    """Whether the file keeps values from one call to the next."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    def reset(self) -> None:
        """Puts the state back to that of a session just opened; a stateful toolkit's session must do so."""
        if self.stateful:
            raise NotImplementedError(f"{type(self).__name__} is stateful and cannot be reset")

    @abstractmethod
    def _call(self, inputs: Arrays) -> Arrays:
        """One call in the file's own layout and dtype, by name; the arrays returned are owned by the caller."""

    def run(self, inputs: Arrays) -> Arrays:
        """The outputs of one call, by name, in the source model's layout and as real numbers.

        Raises:
            ContractError: a name, shape or dtype that does not fit `artifact.source`.
        """
        from converters import adapt

        source, own = self.artifact.source, self.artifact.signature
        outputs = self._call(adapt.to_file(inputs, source.inputs, own.inputs))
        return adapt.to_source(outputs, own.outputs, source.outputs)

    def run_many(self, inputs: Arrays) -> Arrays:
        """The outputs of n calls, or of one sequence where stateful, stacked: a leading sample axis of n."""
        from converters import adapt

        return adapt.run_many(self, inputs)

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """Seconds of each of n calls, (n,) float64: inputs already adapted, reading the outputs included."""
        from converters import adapt

        return adapt.time_calls(self, inputs, n)

    def placement(self) -> list[tuple[str, str]]:
        """(operator type, device or kernel set) of each node in execution order; empty when the toolkit cannot say."""
        return []

    def close(self) -> None:  # noqa: B027 - most toolkits have nothing to free
        """Frees what the session holds."""
