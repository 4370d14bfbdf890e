"""Exported programs (`torch.export.save`), looked through before PyTorch reads them.

`torch.export.load` unpickles payloads that say so, looks operators up by any dotted name below `torch`, and gives
texts to sympy, which evaluates them as Python. So an archive is refused unless all of that is what the exporter writes.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from converters.builder import last_line
from converters.contract import Artifact, Format, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError
from converters.names import kept_names
from converters.sniff import sniff
from converters.weights import fixed

MODEL = "models/model.json"
_PAYLOADS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_SAMPLES = "data/sample_inputs/model.pt"
_LARGEST_JSON = 1 << 30
_OPERATOR = re.compile(r"torch\.ops\.[A-Za-z]\w*\.(?:[a-z]\w*|_[a-z]\w*|__[a-z]+__)\.[A-Za-z]\w*")
_OF_NUMBERS = re.compile(r"(?:_operator|math)\.[a-z]\w*|torch\.sym_[a-z]+|torch\._sym_[a-z]+")
_BODIES = frozenset(("cond", "while_loop", "scan", "map_impl", "wrap_with_set_grad_enabled", "wrap_with_autocast"))
"""Operators of a higher order that run bodies of the same archive."""
_NOT_ON_NUMBERS = frozenset(("attrgetter", "methodcaller", "itemgetter", "call", "setitem", "delitem"))
_SYMBOL = re.compile(r"[a-z]+\d+")
_TEXT = re.compile(r"[A-Za-z]+\d+|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
"""Inside quotes: a symbol's name, or the digits of a number."""
_FUNCTIONS = frozenset(
    (
        *("Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Max", "Min", "Mod", "Abs", "Piecewise"),
        *("Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "Equality", "Unequality", "LessThan", "GreaterThan"),
        *("StrictLessThan", "StrictGreaterThan", "floor", "ceiling", "sqrt", "oo", "int_oo", "IntInfinity", "Infinity"),
        *("FloorDiv", "ModularIndexing", "Where", "PythonMod", "CleanDiv", "CeilToInt", "FloorToInt", "CeilDiv"),
        *("LShift", "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv", "IntTrueDiv", "TruncToFloat", "TruncToInt"),
        *("RoundToInt", "RoundDecimal", "ToFloat", "Identity", "IsNonOverlappingAndDenseIndicator", "true", "false"),
        *("OpaqueUnaryFn_sqrt", "OpaqueUnaryFn_log2", "BitwiseFn_bitwise_and", "BitwiseFn_bitwise_or", "Half", "One"),
    )
)
"""What formulas of sizes are made of (sympy, torch.utils._sympy.functions)."""
_ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Load, ast.Constant),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.keyword),
)


def check(path: Path) -> None:
    """Raises ModelError for an archive that is damaged, or that could run code while it is loaded or called."""
    if (found := sniff(path)) is not Format.PT2:
        raise ModelError(f"{path} holds {found}, not an exported program")
    with zipfile.ZipFile(path) as archive:
        members = {name.partition("/")[2]: name for name in archive.namelist()}
        native = next((name for name in members if name.startswith(("data/aotinductor", "data/executorch"))), "")
        if native or any(name.endswith((".so", ".cpp", ".cubin")) for name in members):
            raise _refused(path, f"it holds compiled code ({native or 'a library'}), which would run on this machine")
        if MODEL not in members:
            names = ", ".join(name for name in members if name.startswith("models/"))
            raise ModelError(f"{path} has no program called `model` (it has {names}); save one by torch.export.save")
        for payload in _PAYLOADS:
            _check_payload(path, _json(path, archive, members, payload))
        program = _json(path, archive, members, MODEL)
        for problem in _problems(program):
            raise _refused(path, problem)
        _check_samples(path, archive, members)


def load(path: Path) -> Any:
    """The `torch.export.ExportedProgram` of an archive that was looked through.

    Raises:
        ModelError: it is damaged, could run code, or is not read by this PyTorch.
    """
    import torch

    check(path)
    try:
        program = torch.export.load(str(path))
    except Exception as error:
        raise ModelError(
            f"{path} is no program that PyTorch {torch.__version__} reads: {last_line(error)}; save it again with it"
        ) from error
    program._guards_code = []  # texts that `module()` would compile
    return program


def module(path: Path) -> Any:
    """The program as an nn.Module that takes the tensors of `signature` in their order.

    Raises:
        ModelError: as `load`.
    """
    return flat_module(load(path))


def opened(artifact: Artifact) -> Any:
    """The model in an artifact's file, as `module`."""
    return module(artifact.path)


def flat_module(program: Any) -> Any:
    """An nn.Module of the program's own weights that takes tensors one by one, however it nests them."""
    import torch
    from torch.utils import _pytree as pytree

    inner = program.module(check_guards=False)
    inner.train = inner.eval = lambda mode=True: inner  # a program has one mode, and says so by raising
    given = [_plain(spec.arg) for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]

    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *tensors: Any) -> Any:
            rest = iter(tensors)
            leaves = [next(rest) if told is None else told[0] for told in given]
            args, kwargs = pytree.tree_unflatten(leaves, program.call_spec.in_spec)
            return self.inner(*args, **kwargs)

    return Flat().eval()


def specialised(model: Any, inputs: tuple[TensorSpec, ...]) -> Any:
    """The module of a program for inputs of fixed sizes: one with open sizes asks for them where exporters trace."""
    import torch

    example = tuple(torch.zeros(fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in inputs)
    with torch.no_grad():
        return flat_module(torch.export.export(model, example))


def signature(program: Any) -> Signature:
    """The tensors that a program takes and gives, in order; sizes that it leaves open are None.

    Raises:
        UnsupportedError: an input or output is no tensor.
    """
    from torch.utils import _pytree as pytree

    from converters.calling import flatten

    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    names = _tensor_names(program)
    inputs = tuple(_spec(kept, values[name], name) for name, kept in zip(names, kept_names(names), strict=True))
    [end] = program.graph.find_nodes(op="output")
    user = [
        getattr(value, "name", value)
        for value, spec in zip(end.args[0], program.graph_signature.output_specs, strict=True)
        if spec.kind.name == "USER_OUTPUT"
    ]
    named = flatten(pytree.tree_unflatten([_Leaf(name) for name in user], program.call_spec.out_spec))
    outputs = [(key, leaf.name) for key, leaf in named.items() if leaf.name is not None]
    kept = kept_names(key for key, _ in outputs)
    return Signature(
        inputs, tuple(_spec(name, values.get(node), key) for name, (key, node) in zip(kept, outputs, strict=True))
    )


class _Leaf:
    """What stands for an output while its place is found."""

    def __init__(self, name: Any) -> None:
        self.name = name


def _tensor_names(program: Any) -> list[str]:
    return [
        spec.arg.name
        for spec in program.graph_signature.input_specs
        if spec.kind.name == "USER_INPUT" and _plain(spec.arg) is None
    ]


def _plain(argument: Any) -> tuple[Any] | None:
    """A number, text or None that was written into the program, in a tuple; None for a tensor."""
    return (argument.value,) if hasattr(argument, "value") else None


def _spec(name: str, value: Any, title: str) -> TensorSpec:
    import torch

    if not isinstance(value, torch.Tensor):
        raise UnsupportedError(f"`{title}` is {type(value).__name__}, and no tensor: inputs and outputs are tensors")
    dtype = str(value.dtype).removeprefix("torch.")
    shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    try:
        return TensorSpec(name, shape, dtype)
    except TypeError:
        raise UnsupportedError(f"`{title}` has the type {dtype}, which an input or output cannot have here") from None


def _json(path: Path, archive: zipfile.ZipFile, members: Mapping[str, str], name: str) -> Any:
    if name not in members:
        raise ModelError(
            f"{path} has no {name}: it comes from another version of PyTorch; save it again with PyTorch >= 2.9"
        )
    if archive.getinfo(members[name]).file_size > _LARGEST_JSON:
        raise ModelError(f"{path}: {name} is larger than any program; make it again")
    try:
        return json.loads(archive.read(members[name]))
    except (ValueError, zipfile.BadZipFile, RecursionError) as error:
        raise ModelError(f"{path} is damaged: {name} is no JSON ({last_line(error)}); copy it again") from error


def _check_payload(path: Path, payload: Any) -> None:
    try:
        rows = {name: (row["path_name"], row["use_pickle"]) for name, row in payload["config"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged: its list of weights is not one ({last_line(error)})") from error
    for name, (file, pickled) in rows.items():
        if pickled or not re.fullmatch(r"(?:weight|tensor)_\d+", file):
            raise _refused(path, f"the value of {name!r} is a pickle, which can run code")


def _problems(program: Any) -> Iterator[str]:
    """What no exporter writes, in words."""
    for key, value in _pairs(program):
        if key == "target" and isinstance(value, str) and "." in value and not _harmless(value):
            yield f"it calls {value!r}, which is no operator"
        if key in ("expr_str", "as_expr") and isinstance(value, str) and not _is_formula(value):
            yield f"it calls the text {value[:60]!r} a size"


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    todo = [value]
    while todo:
        here = todo.pop()
        if isinstance(here, dict):
            yield from here.items()
            # nodes' targets count; those of the signature name weights
            todo += [inner for key, inner in here.items() if key != "signature"]
        elif isinstance(here, list):
            todo += here


def _harmless(target: str) -> bool:
    """Whether a node's target is an operator of PyTorch, or arithmetic on sizes."""
    if target.startswith("torch.ops.higher_order."):
        return target.rpartition(".")[2] in _BODIES
    if _OPERATOR.fullmatch(target):
        return not target.split(".")[3].startswith("__") or target.split(".")[3] in _DUNDER
    return bool(_OF_NUMBERS.fullmatch(target)) and target.rpartition(".")[2] not in _NOT_ON_NUMBERS


_DUNDER = frozenset(f"__{name}__" for name in ("and", "or", "xor", "lshift", "rshift", "iand", "ior", "ixor"))


def _is_formula(text: str) -> bool:
    """Whether a text is arithmetic on sizes: numbers, symbols and functions of sympy, no attribute and no index."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, _ARITHMETIC):
            return False
        if isinstance(node, ast.Name) and not (_SYMBOL.fullmatch(node.id) or node.id in _FUNCTIONS):
            return False
        if isinstance(node, ast.Constant) and not (isinstance(node.value, int | float) or _is_short(node.value)):
            return False
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            return False
    return True


def _is_short(value: object) -> bool:
    return isinstance(value, str) and bool(_TEXT.fullmatch(value))


def _check_samples(path: Path, archive: zipfile.ZipFile, members: Mapping[str, str]) -> None:
    """PyTorch falls back to a full unpickler where the safe one refuses; so the safe one is asked first."""
    import torch

    data = archive.read(members[_SAMPLES]) if _SAMPLES in members else b""
    try:
        if data:
            torch.load(io.BytesIO(data), weights_only=True)
    except Exception as error:
        raise _refused(path, f"its example inputs are a pickle of more than tensors ({last_line(error)})") from error


def _refused(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path} is not loaded: {why}. Give the model as file.py:function, or save it again by torch.export.save"
    )
