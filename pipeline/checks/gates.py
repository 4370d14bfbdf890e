"""The tolerances of every check, from the content of a gates file; each with the reason it stands at its value."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_type_hints

from converters.contract import Format, Precision
from converters.errors import ConfigError

ALONE = "alone"
"""In `kernels`: the gate of a file that nothing but itself on other kernels can be compared with."""

Content = Mapping[str, Any]
"""What a TOML file says, as `tomllib` reads it."""


@dataclass(frozen=True)
class ParityGate:
    """How near an artifact's outputs must be to the reference's on the golden inputs. One a precision."""

    min_samples: int  # fewer golden samples prove nothing
    max_rel_range: float  # worst sample: max abs error / range of the reference output
    min_snr_db: float  # over all samples
    min_moving_snr_db: float  # the same, of what moves between samples
    min_cosine: float  # worst sample
    min_top1: float  # share of samples; of equal elements, for integer outputs
    max_edge_share: float  # more of the reference's values at its least or greatest: it is saturated
    at_limits: bool  # whether the samples made up at the limits of the legal range are judged too
    reason: str


@dataclass(frozen=True)
class AccuracyGate:
    """What an artifact may lose on labelled data against the reference. One a precision."""

    min_samples: int  # fewer labelled samples are not judged
    max_drop_points: float  # percentage points of top-1 accuracy, by the best estimate
    margin_points: float  # how far beyond that the interval of the drop may reach; above: undecided
    confidence: float  # of that interval
    max_flip_share: float  # predictions that change in either direction
    chance_p: float  # the reference must beat guessing with a smaller p, or the labels do not fit
    reason: str


@dataclass(frozen=True)
class PrecisionGate:
    """What the tensors of a file must be made of. One a precision."""

    min_weight_share: float  # of the elements of large constant tensors: in the claimed type
    small_elements: int  # tensors below this may stay in float
    max_float_ops: int  # operators that still compute in float
    max_grid_share: float  # of float32 elements whose values were rounded to 16 bits or less
    reason: str


@dataclass(frozen=True)
class SizeGate:
    """How large a file may be. One a precision."""

    max_ratio: float  # of the weights, to those of the fp32 file of the same route
    max_graph_ratio: float  # of everything else in it
    overhead_bytes: int  # on top: scales and metadata of small files
    min_bytes_per_parameter: float  # below: weights are missing
    reason: str


@dataclass(frozen=True)
class CoverageGate:
    """What the golden inputs must be."""

    min_samples: int
    min_distinct_share: float  # of samples that differ from every other
    min_class_share: float  # of the classes that the labels know
    min_bin_share: float  # of what channels inside the reference take, by quantile, of all candidates
    min_end_share: float  # of the channels that move: both ends that any candidate reaches
    min_crossed_share: float  # of the thresholds of activations that any candidate crosses
    max_unmoved_share: float  # of the channels: the same for every candidate
    reason: str


@dataclass(frozen=True)
class LatencyGate:
    """When a difference of time may be called one, and when it fails a cell."""

    confidence: float  # of the interval of the ratio, at all looks together
    min_rounds: int  # the first look; fewer re-opened rounds give no interval
    equal_within: float  # a share: smaller differences are none
    race_within: float  # the same between routes to one file, of which the fastest is wanted
    max_ratio: float  # to the baseline; 0: latency is told, not judged
    reason: str

    @property
    def racing(self) -> LatencyGate:
        """What races of routes to one file are decided by."""
        return replace(self, equal_within=self.race_within)


@dataclass(frozen=True)
class PlacementGate:
    """What a runtime promises. One a runtime, by its name."""

    device: str  # as `Session.placement` names it
    min_share: float  # of the operators
    reason: str


@dataclass(frozen=True)
class RequirementsGate:
    """The newest runtime that a file may ask for. One a format."""

    newest: str  # a version, as the runtime's maker counts
    reason: str


@dataclass(frozen=True)
class KernelsGate:
    """How far a runtime may be from the home runtime of the same file. One a family of runtimes.

    Where this is wider than the parity gate of a precision, parity on a device is held to no more than this: what the
    file itself loses is judged at home.
    """

    max_rel_range: float  # of a float output: max abs difference / range
    min_snr_db: float  # of a float output, over all samples
    max_steps: float  # of an output on an 8-bit grid: `min_near_share` of its values within, none beyond three times
    min_near_share: float
    reason: str


@dataclass(frozen=True)
class PicturesGate:
    """How near an app's own preprocessing must be to this one's, on the pictures of the bundle.

    Pictures that are decoded without loss and not resized have to be equal, whatever stands here.
    """

    max_steps: float  # of the 255 of a channel, worst value
    min_top1: float  # share of the pictures whose predicted class is the same
    reason: str


@dataclass(frozen=True)
class Gates:
    """Every gate."""

    parity: Mapping[Precision, ParityGate]
    accuracy: Mapping[Precision, AccuracyGate]
    precision: Mapping[Precision, PrecisionGate]
    size: Mapping[Precision, SizeGate]
    placement: Mapping[str, PlacementGate]
    kernels: Mapping[str, KernelsGate]
    requirements: Mapping[str, RequirementsGate]
    coverage: CoverageGate
    latency: LatencyGate
    pictures: PicturesGate

    def to_json(self) -> dict[str, Any]:
        """The gates as plain dicts, for the report and the bundle; `parse_gates` reads them back."""
        return dataclasses.asdict(self)


def to_toml(gates: Gates) -> str:
    """A complete gates file, as `parse_gates` reads it."""
    lines: list[str] = []
    for section, rows in gates.to_json().items():
        tables = {section: rows} if section in _SINGLE else {f"{section}.{name}": row for name, row in rows.items()}
        for name, row in tables.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in row.items()), ""]
    return "\n".join(lines)


_BY_PRECISION: Mapping[str, type] = {
    "parity": ParityGate,
    "accuracy": AccuracyGate,
    "precision": PrecisionGate,
    "size": SizeGate,
}
_SINGLE: Mapping[str, type] = {
    "coverage": CoverageGate,
    "latency": LatencyGate,
    "pictures": PicturesGate,
}
_BY_RUNTIME: Mapping[str, type] = {"placement": PlacementGate, "kernels": KernelsGate}
_BY_FORMAT: Mapping[str, type] = {"requirements": RequirementsGate}
_SECTIONS = (*_BY_PRECISION, *_SINGLE, *_BY_RUNTIME, *_BY_FORMAT)

_G = TypeVar("_G")


def parse_gates(
    content: Content, override: Content | None = None, runtimes: Collection[str] = (), model: Content | None = None
) -> Gates:
    """The gates of a complete file, with the known keys of the model's own laid over it, and of a second file on top.

    A section of `override` and `model` names only the keys that it changes, and its own `reason`. `runtimes`, when
    given, are the families that `placement` and `kernels` may name.

    Raises:
        ConfigError: an unknown section, precision, runtime or key, a missing key, a wrong type, an impossible value.
    """
    merged = content
    for layer in filter(None, (model, override)):
        merged = _merged(merged, layer)
    _known(merged, _SECTIONS, "gates", "section")
    for name in _BY_RUNTIME if runtimes else ():
        _known(_table(merged, name), runtimes, f"gates [{name}]", "runtime")
    parts: dict[str, Any] = {
        name: {precision: _gate(kind, merged, name, precision.value) for precision in Precision}
        for name, kind in _BY_PRECISION.items()
    }
    for name in _BY_PRECISION:
        _known(_table(merged, name), list(Precision), f"gates [{name}]", "precision")
    for name, kind in {**_BY_RUNTIME, **_BY_FORMAT}.items():
        parts[name] = {row: _gate(kind, merged, name, row) for row in _table(merged, name)}
    for name in _BY_FORMAT:
        _known(_table(merged, name), list(Format), f"gates [{name}]", "format")
    parts |= {name: _gate(kind, merged, name) for name, kind in _SINGLE.items()}
    return Gates(**parts)


def _merged(base: Content, override: Content) -> dict[str, Any]:
    """`base` with the tables of `override` laid over it; a changed table brings its own reason."""
    _known(override, _SECTIONS, "gates", "section")
    merged = dict(base)
    for section in override:
        table = _table(override, section)
        if section in _SINGLE:
            _explained(table, f"[{section}]")
            merged[section] = {**_table(base, section), **table}
            continue
        rows = dict(_table(base, section))
        for name in table:
            row = _table(table, name, f"[{section}.{name}]")
            _explained(row, f"[{section}.{name}]")
            rows[name] = {**rows.get(name, {}), **row}
        merged[section] = rows
    return merged


def _explained(row: Content, where: str) -> None:
    if not row.get("reason"):
        raise ConfigError(f"gates {where}: a changed tolerance needs its own `reason` (a text) beside it")


def _gate(kind: type[_G], content: Content, *path: str) -> _G:
    """One gate from its table."""
    where = f"gates [{'.'.join(path)}]"
    table: Content = content
    for name in path:
        if name not in table:
            raise ConfigError(f"{where} is missing")
        table = _table(table, name, where)
    hints = get_type_hints(kind)
    _known(table, list(hints), where, "key")
    missing = [name for name in hints if name not in table]
    if missing:
        raise ConfigError(f"{where}: missing {', '.join(missing)}; a gate has no defaults")
    return kind(**{name: _value(table[name], hint, f"{where} {name}") for name, hint in hints.items()})


def _value(value: Any, hint: type, where: str) -> Any:
    """The value as its field's type, inside what any gate can mean."""
    if hint is str:
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where} must be a text that says something, got {value!r}")
        return value
    if hint is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} must be true or false, got {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, int if hint is int else (int, float)):
        raise ConfigError(f"{where} must be {'a whole' if hint is int else 'a'} number, got {value!r}")
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{where} must be zero or more and finite, got {value!r}")
    if value > 1 and where.endswith(("_share", "_top1", "_cosine", "confidence", "chance_p")):
        raise ConfigError(f"{where} is a share: it must be within 0 and 1, got {value!r}")
    return hint(value)


def _table(content: Content, name: str, where: str = "") -> Content:
    value = content.get(name, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where or f'gates [{name}]'} must be a table, got {value!r}")
    return value


def _known(table: Content, names: Collection[str], where: str, what: str) -> None:
    """Raises for the first key that is none of `names`, with the nearest of them."""
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(str(key), [str(name) for name in names], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ConfigError(f"{where}: unknown {what} {key!r}{hint} There are: {', '.join(map(str, names))}")
