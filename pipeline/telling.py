"""How much outputs prove, and the search for inputs on which they prove more: the same for runs and for lone files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from converters.contract import Arrays, Artifact, TensorSpec
from converters.errors import EdgeExportError
from pipeline.checks.conditioning import left_db, noise, nudged, worst
from pipeline.checks.gates import ParityGate
from pipeline.checks.parity import check_parity
from pipeline.telling_inputs import ELITE, apart, fresh_samples, fresh_sequences

Run = Callable[[Arrays], Arrays]
"""The outputs, (n, *shape) by name, for stacked inputs; raises EdgeExportError where the model does not take them."""
Worth = tuple[int, float, float]
"""Of outputs, all to be great: minus how many are silent, the dB that rounding leaves, and steps."""
STEADY_DB = 72.0
"""Which rounding must leave of an output: else it is rounding that is compared."""
MANY_STEPS = 128.0
"""Of an 8-bit output: where honest kernels differ by one, that is then little of its range."""
ENOUGH: Worth = (0, STEADY_DB, MANY_STEPS)
FEWEST_SETS, MOST_SETS, SEARCHED_BYTES = 16, 400, 64_000_000
"""Sets of inputs made up beyond the first, while an output says nearly the same to all: fewer for a larger file."""
FEWEST = 32
"""Samples that are left where only the steadiest are kept."""


@dataclass(frozen=True)
class Tried:
    """Stacked inputs and what came out, (n, *shape) by name.

    `moved` is what comes out of inputs moved by a rounding, and of other kernels: None where nobody asked.
    """

    inputs: Arrays
    outputs: Arrays
    origin: str
    moved: tuple[Arrays, ...] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def rows(self, rows: np.ndarray) -> Tried:
        """These samples, indices or bool."""
        moved = None if self.moved is None else tuple(_rows(side, rows) for side in self.moved)
        return Tried(_rows(self.inputs, rows), _rows(self.outputs, rows), self.origin, moved)

    def beside(self, other: Tried) -> Tried:
        """The samples of both; `moved` where both know it."""
        known = self.moved is not None and other.moved is not None
        moved = tuple(map(_joined, self.moved or (), other.moved or ())) if known else None
        return Tried(_joined(self.inputs, other.inputs), _joined(self.outputs, other.outputs), self.origin, moved)


@dataclass(frozen=True)
class Search:
    """Asks a model for more and more samples. No sample is run twice.

    `others` are other kernels of the same model, where there are any and none of them is judged, or the same ones with
    its weights moved by a rounding: how far honest ones are apart, they tell better than a rounding of the inputs.
    """

    run: Run
    artifact: Artifact
    gate: ParityGate
    others: tuple[Run, ...] = ()

    def tried(self, inputs: Arrays, origin: str) -> Tried:
        """What comes out of inputs.

        Raises:
            EdgeExportError: the model does not take them.
        """
        return Tried(inputs, self.run(inputs), origin)

    def steadied(self, tried: Tried) -> Tried:
        """The same, with what rounding makes of the outputs; of 8-bit ones alone their steps say it."""
        if tried.moved is not None:
            return tried
        if not self._floats():
            return replace(tried, moved=())
        moved = [_or(tried.outputs, self.run, nudged(tried.inputs))]
        moved += [_or(tried.outputs, other, tried.inputs) for other in self.others]
        return replace(tried, moved=tuple(moved))

    def noise(self, tried: Tried) -> dict[str, float]:
        """`conditioning.noise` of the outputs, the worst of what moved them."""
        specs = self._floats()
        return worst([noise(tried.outputs, moved, specs) for moved in tried.moved or ()])

    def weighed(self, tried: Tried) -> tuple[Worth, Tried]:
        """How much the outputs prove, and all that is known then."""
        silent = check_parity(tried.outputs, tried.outputs, self.artifact.source.outputs, self.gate).reasons
        if silent:
            return (-len(silent), 0.0, 0.0), tried
        tried = self.steadied(tried)
        spanned = steps(self.artifact, tried.outputs)
        return (0, min(left_db(self.noise(tried)), STEADY_DB), min(spanned, MANY_STEPS)), tried

    def most_telling(self, first: Tried, most: int, *, sequences: bool = False) -> Tried:
        """The first whose outputs prove something, else what comes nearest of what `most` further samples show.

        They move, stand still under a rounding of the inputs, and span many steps of their grids. `sequences`: the
        model keeps state, so that samples are one sequence.
        """
        worth, best = self.weighed(first)
        if worth >= ENOUGH:
            return best
        spent = 0
        for found_worth, found in self._sequences(worth, best) if sequences else self._grown(best):
            if found_worth > worth:
                worth, best = found_worth, found
            spent += len(first) * (1 if found.moved is None else 2)
            if worth >= ENOUGH or spent >= most:
                break
        return best

    def _grown(self, pool: Tried) -> Iterator[tuple[Worth, Tried]]:
        """Of the samples so far and fresh ones, each time those that tell most."""
        count, specs = len(pool), self.artifact.source.inputs
        for turn in range(_sets(self.artifact)):
            try:
                more = self.tried(fresh_samples(specs, pool.inputs, turn), "made up, chosen by what comes out")
            except EdgeExportError:
                yield (-len(self.artifact.source.outputs) - 1, 0.0, 0.0), pool
                continue
            more = self.steadied(more) if pool.moved is not None else more
            worth, pool = self._picked(replace(pool.beside(more), origin=more.origin), count)
            yield worth, pool

    def _picked(self, tried: Tried, count: int) -> tuple[Worth, Tried]:
        """Those whose outputs lie furthest apart, of all, or of the steadier ones where that proves more."""
        worth, best = self.weighed(tried.rows(apart(tried.outputs, count)))
        if worth >= ENOUGH or not tried.moved:
            return worth, best
        order = np.argsort(self._unsteady(tried), kind="stable")
        for kept in (len(tried) // 2, len(tried) // 4, FEWEST):
            if FEWEST <= kept < len(tried):
                steady = tried.rows(np.sort(order[:kept]))
                other, found = self.weighed(steady.rows(apart(steady.outputs, count)))
                if other > worth:
                    worth, best = other, found
        return worth, best

    def _unsteady(self, tried: Tried) -> np.ndarray:
        """How far rounding moves each sample, of its output's range, the worst of them; (n,)."""
        found = np.zeros(len(tried))
        for moved in tried.moved or ():
            for spec in self._floats():
                values = tried.outputs[spec.name]
                error = np.abs(values.astype(np.float64) - moved[spec.name]).reshape(len(found), -1).max(axis=1)
                found = np.maximum(found, error / (float(np.ptp(values)) or 1.0))
        return found

    def _sequences(self, worth: Worth, first: Tried) -> Iterator[tuple[Worth, Tried]]:
        """One sequence after the other; the best of them have children."""
        elite = [(worth, first.inputs)]
        for turn in range(_sets(self.artifact)):
            for made in fresh_sequences(self.artifact.source.inputs, [inputs for _, inputs in elite], turn):
                try:
                    found, tried = self.weighed(self.tried(made, f"made up in sequences, turn {turn}"))
                except EdgeExportError:
                    continue
                yield found, tried
                elite.append((found, made))
            elite = sorted(elite, key=lambda each: each[0], reverse=True)[:ELITE]

    def _floats(self) -> tuple[TensorSpec, ...]:
        """The outputs of which a rounding can tell something: those of 8 bits are told by their steps."""
        pairs = zip(self.artifact.source.outputs, self.artifact.signature.outputs, strict=True)
        return tuple(spec for spec, own in pairs if not own.scale and np.dtype(spec.dtype).kind == "f")


def steps(artifact: Artifact, outputs: Arrays) -> float:
    """How many steps of its 8-bit grid the output spans that spans fewest; infinite where none is quantized."""
    pairs = zip(artifact.source.outputs, artifact.signature.outputs, strict=True)
    return min((float(np.ptp(outputs[spec.name])) / own.scale for spec, own in pairs if own.scale), default=np.inf)


def _sets(artifact: Artifact) -> int:
    return int(np.clip(SEARCHED_BYTES // max(artifact.size_bytes, 1), FEWEST_SETS, MOST_SETS))


def _rows(side: Arrays, rows: np.ndarray) -> Arrays:
    return {name: values[rows] for name, values in side.items()}


def _or(outputs: Arrays, run: Run, inputs: Arrays) -> Arrays:
    """What comes of the inputs, or the outputs as they were where just these values are not taken."""
    try:
        return run(inputs)
    except EdgeExportError:
        return outputs


def _joined(some: Arrays, others: Arrays) -> Arrays:
    return {name: np.concatenate([values, others[name]]) for name, values in some.items()}
