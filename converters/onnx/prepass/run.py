"""The pre-pass: shapes inferred, constants folded, operators replaced, and every replacement proved."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnx.shape_inference import InferenceError

from converters.contract import Arrays
from converters.onnx.load import load
from converters.onnx.prepass.build import Build, LeaveError
from converters.onnx.prepass.fold import captured, constants_of, fold
from converters.onnx.prepass.rules import Rule
from converters.onnx.prepass.single import in_single
from converters.onnx.prepass.verify import differs, values

OLDEST, OPSET = 13, 17
_ROUNDS = 24
_SAMPLES = 2
_LARGEST = 2**31 - 2**20


@dataclass(frozen=True)
class Prepared:
    """What the pre-pass made of a model: the replacements, and what stayed and why."""

    model: onnx.ModelProto
    replaced: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    folded: int = 0

    def save(self, path: Path) -> None:
        """Writes the model; weights that a protobuf cannot hold go beside it."""
        large = self.model.ByteSize() > _LARGEST
        onnx.save(self.model, str(path), save_as_external_data=large, location=f"{path.name}.data" if large else None)


@dataclass
class _Work:
    """One attempt: the nodes of the original that must stay, and what became of the others."""

    kept: Mapping[str, str]
    places: dict[str, str] = field(default_factory=dict)  # a replaced node's first output -> its operator
    left: dict[str, str] = field(default_factory=dict)
    folded: int = 0
    count: int = 0


def prepare(path: Path, rules: Mapping[str, Rule], samples: Sequence[Arrays] = ()) -> Prepared:
    """The model at `path` with operators replaced by `rules`.

    Every replacement is held against the original in ONNX Runtime on `samples`, or on drawn inputs; one that computes
    something else is taken back and named.

    Raises:
        ModelError: no ONNX file, damaged, or with weights outside its folder.
    """
    plain = _plain(load(path), path)
    inputs = list(samples) or drawn(plain)
    original, narrowed = in_single(plain, inputs)
    doubles = (f"{narrowed} float64",) if narrowed else ()
    kept: dict[str, str] = {}
    for _ in range(len(original.graph.node) + 1):
        work = _Work(kept)
        model = _rewritten(original, rules, work)
        wrong = _first_wrong(original, model, work, inputs)
        if not wrong:
            there = {node.name for node in model.graph.node}
            left = dict.fromkeys(words for name, words in work.left.items() if name in there)
            replaced = (*_counted(work.places.values()), *doubles)
            return Prepared(model, replaced, (*kept.values(), *left), work.folded)
        kept |= wrong
    return Prepared(original, doubles, tuple(kept.values()))


def rewritten(path: Path, rules: Mapping[str, Rule]) -> onnx.ModelProto:
    """As the model of `prepare`, without proof: for who holds it against another model, and so sees what went wrong."""
    return _rewritten(_plain(load(path), path), rules, _Work({}))


def drawn(model: onnx.ModelProto) -> list[Arrays]:
    """Inputs for a model that nobody gave any for: seeded, floats around 0, integers 0 and 1, open axes of size 1."""
    random = np.random.default_rng(0)
    made = []
    for place in range(_SAMPLES):
        sample = {}
        for value in model.graph.input:
            tensor = value.type.tensor_type
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            shape = [dim.dim_value if dim.HasField("dim_value") else 1 for dim in tensor.shape.dim]
            values = np.asarray(random.normal(size=shape) if place == 0 else random.uniform(size=shape))
            sample[value.name] = np.asarray(values if dtype.kind == "f" else values > 0.5, dtype)
        made.append(sample)
    return made


def _plain(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The model with its weights inside, no initializer among its inputs, and of an opset that the rules know."""
    onnx.load_external_data_for_model(model, str(path.parent))
    constant = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constant]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), OPSET)
    if opset < OLDEST:
        with contextlib.suppress(Exception):  # then the rules find nothing that they know, and the file stays
            model = version_converter.convert_version(model, OPSET)
    seen: set[str] = set()
    for place, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:  # names are what a replacement is told by, and ONNX asks for none
            node.name = f"{node.op_type}_{place}"
        seen.add(node.name)
    return model


def _rewritten(original: onnx.ModelProto, rules: Mapping[str, Rule], work: _Work) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(original)
    for _ in range(_ROUNDS):
        model = _inferred(model)
        folded = constants_of(model) + fold(model)
        work.folded += folded
        if not _replace(model, rules, work) and not folded:  # what was folded may make a shape known
            break
    _drop_unused(model.graph)
    return _inferred(model)


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    for value in [value for value in model.graph.value_info if value.name.startswith("prepass/")]:
        model.graph.value_info.remove(value)
    with contextlib.suppress(InferenceError, ValueError):  # of another domain, or over 2 GB
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    return model


def _replace(model: onnx.ModelProto, rules: Mapping[str, Rule], work: _Work) -> bool:
    """One round over the nodes, in place; whether anything changed."""
    build = Build(model)
    nodes: list[onnx.NodeProto] = []
    changed = False
    for node in model.graph.node:
        made = None
        rule = rules.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        top = not node.name.startswith("prepass/")
        if rule and node.name not in work.kept:
            origin = node.name if top else node.name.removeprefix("prepass/").partition("//")[0]
            work.count += 1
            build.start(f"prepass/{origin}//{work.count}")
            try:
                made = rule(build, node)
                work.left.pop(node.name, None)
            except LeaveError as error:
                work.left[node.name] = f"{node.op_type} `{origin}` stays: {error}"
        if made is None:
            nodes.append(node)
            continue
        changed = True
        if top:
            work.places[next(name for name in node.output if name)] = node.op_type
        _bind(build, node, made)
        for place, each in enumerate(build.nodes):
            each.name = f"{build.prefix}/n{place}"
        nodes += build.nodes
        model.graph.initializer.extend(build.initializers)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return changed


def _bind(build: Build, node: onnx.NodeProto, made: Sequence[str]) -> None:
    """Gives the results of a replacement the names of the node's outputs."""
    makers = {name: (each, place) for each in build.nodes for place, name in enumerate(each.output)}
    read = {name for each in build.nodes for name in (*each.input, *captured(each))}
    for name, result in zip(node.output, made, strict=False):
        if not name:
            continue
        each, place = makers.get(result, (None, 0))
        if each is None or result in read or list(made).count(result) > 1:
            build.nodes.append(onnx.helper.make_node("Identity", [result], [name]))
        else:
            each.output[place] = name


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Nodes and constants that no output depends on leave, in place."""
    wanted = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= {name for name in (*node.input, *captured(node)) if name}
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
    tensors = [onnx.TensorProto.FromString(t.SerializeToString()) for t in graph.initializer if t.name in wanted]
    for field_, items in ((graph.node, reversed(kept)), (graph.initializer, tensors)):
        del field_[:]
        field_.extend(items)


def _first_wrong(
    original: onnx.ModelProto, model: onnx.ModelProto, work: _Work, inputs: Sequence[Arrays]
) -> dict[str, str]:
    """The name of the first replaced node whose result is another, with words for it; nothing where all agree."""
    there = {name for node in model.graph.node for name in node.output} | {t.name for t in model.graph.initializer}
    outputs = [value.name for value in original.graph.output]
    places = [name for name in work.places if name in there]
    names = list(dict.fromkeys([*places, *outputs]))
    owner = {name: node for node in original.graph.node for name in node.output}
    makers = {name: owner[name].name for name in work.places}
    try:
        before = values(original, names, inputs)
    except Exception as error:  # nothing can be proved of a model that does not run
        reason = str(error).splitlines()[0]
        return {name: f"{op} `{name}` stays: the model does not run: {reason}" for name, op in _named(work, makers)}
    try:
        after = values(model, names, inputs)
    except Exception as error:
        reason = str(error).splitlines()[0]
        return {
            name: f"{op} `{name}` stays: its replacement does not run: {reason}" for name, op in _named(work, makers)
        }
    for place, name in enumerate(names):
        words = next((w for a, b in zip(before, after, strict=True) if (w := differs(a[place], b[place]))), "")
        if words and name in makers:
            return {makers[name]: f"{work.places[name]} `{makers[name]}` stays: replaced, {words}"}
        if words:
            return {
                n: f"{op} `{n}` stays: replaced, output `{name}` is another: {words}" for n, op in _named(work, makers)
            }
    return {}


def _named(work: _Work, makers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(makers[name], op) for name, op in work.places.items()]


def _counted(operators: Iterable[str]) -> tuple[str, ...]:
    found = Counter(operators)
    return tuple(f"{found[operator]} {operator}" for operator in sorted(found))
