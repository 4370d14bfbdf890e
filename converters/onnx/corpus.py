"""ONNX's own node tests as models that an exporter would write: one float input, everything else inside the file.

Of `onnx.backend.test` every node case that has a float32 input: all inputs but the first of these become initializers,
the version converter brings the model to opset 17, and the case counts if ONNX Runtime then gives what ONNX expects.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper, version_converter

from converters.contract import Signature, TensorSpec
from converters.nearness import near
from converters.onnx.prepass.fold import session_of

OPSET = 17
SAMPLES = 16
MODEL, DATA, INDEX = "model.onnx", "data.npz", "index.json"
INPUT, OUTPUT, EXPECTED = "input/", "output/", "expected/"


def build(folder: Path) -> dict[str, int]:
    """Writes every case into a folder of its own name, and an index of all; how many fell out, by reason.

    `data.npz` of a case holds stacked inputs, the case's own first, what ONNX Runtime gives for them, and what ONNX
    expects of the first. The others are the values of the first in other places, so that they stay in its domain.
    """
    from onnx.backend.test.loader import load_model_tests

    onnxruntime.set_default_logger_severity(4)
    index: list[dict[str, Any]] = []
    out: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, about the infinities that the cases are made of
        cases = load_model_tests(kind="node")
        for case in cases:
            reason, row = _written(case, folder)
            if row:
                index.append(row)
            else:
                out[reason] += 1
    (folder / INDEX).write_text(json.dumps({"cases": index, "left out": out, "of": len(cases)}, indent=1))
    return dict(out)


def _written(case: Any, folder: Path) -> tuple[str, dict[str, Any] | None]:
    """Why a case falls out, or its row of the index."""
    model = case.model
    inputs, expected = case.data_sets[0]
    floats = [
        place
        for place, value in enumerate(model.graph.input)
        if value.type.HasField("tensor_type") and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
    if not floats or len(inputs) != len(model.graph.input):
        return "no float32 input", None
    try:
        frozen = version_converter.convert_version(_frozen(model, inputs, floats[0]), OPSET)
    except Exception:
        return f"not told in opset {OPSET}", None
    own = np.asarray(inputs[floats[0]])
    name = frozen.graph.input[0].name
    outputs = [value.name for value in frozen.graph.output]
    try:
        session = session_of(frozen)
        first = session.run(outputs, {name: own})
    except Exception:
        return "not run by ONNX Runtime", None
    if not _agree(expected, first):
        return "another result in ONNX Runtime", None
    made = folder / case.name
    made.mkdir(parents=True, exist_ok=True)
    onnx.save(frozen, str(made / MODEL))
    lists = any(not isinstance(value, np.ndarray) for value in first)
    arrays = {} if lists else _arrays(session, name, outputs, own, expected, case.name)
    np.savez(made / DATA, allow_pickle=False, **arrays)
    signature = _signature(name, outputs, arrays) if arrays else None
    return "", {
        "name": case.name,
        "op": _operator(model, case.name),
        "signature": asdict(signature) if signature else None,
        "samples": len(next(iter(arrays.values()))) if arrays else 0,
        "repeats": "_expanded_ver" in case.name,
        "random": any(node.op_type == "Dropout" for node in model.graph.node),
    }


def _frozen(model: Any, inputs: Any, kept: int) -> onnx.ModelProto:
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for place, (value, given) in enumerate(zip(model.graph.input, inputs, strict=True)):
        if place != kept:
            tensor = given if isinstance(given, onnx.TensorProto) else numpy_helper.from_array(np.asarray(given))
            tensor.name = value.name
            made.graph.initializer.append(tensor)
    del made.graph.input[:]
    made.graph.input.append(model.graph.input[kept])
    return made


def _agree(expected: Any, got: Any) -> bool:
    """Whether ONNX Runtime gives what ONNX expects; of a sequence that is a list."""
    if len(expected) != len(got):
        return False
    for want, have in zip(expected, got, strict=True):
        if isinstance(want, list) != isinstance(have, list):
            return False
        pairs = zip(want, have, strict=False) if isinstance(want, list) else [(want, have)]
        if isinstance(want, list) and len(want) != len(have):
            return False
        if not all(near(a, b) for a, b in pairs):
            return False
    return True


def _arrays(session: Any, name: str, outputs: list[str], own: np.ndarray, expected: Any, seed: str) -> dict[str, Any]:
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    rows: list[tuple[np.ndarray, list[np.ndarray]]] = []
    for place in range(SAMPLES):
        sample = own if place == 0 else _moved(own, place, random)
        try:
            found = [np.asarray(value) for value in session.run(outputs, {name: sample})]
        except Exception:  # an input that sizes are made of takes few values
            continue
        if not rows or all(a.shape == b.shape for a, b in zip(found, rows[0][1], strict=True)):
            rows.append((sample, found))
    stacked = {f"{INPUT}{name}": np.stack([sample for sample, _ in rows])}
    stacked |= {f"{OUTPUT}{key}": np.stack([f[place] for _, f in rows]) for place, key in enumerate(outputs)}
    return stacked | {f"{EXPECTED}{key}": np.asarray(expected[place])[None] for place, key in enumerate(outputs)}


def _moved(own: np.ndarray, place: int, random: Any) -> np.ndarray:
    """The same numbers in other places; of one number, near ones."""
    if own.size > 1:
        return np.asarray(random.permutation(own.ravel()).reshape(own.shape))
    return np.asarray(own * (1 + 0.05 * place), own.dtype)


def _signature(name: str, outputs: list[str], arrays: dict[str, Any]) -> Signature:
    def spec(key: str, prefix: str) -> TensorSpec:
        stacked = arrays[prefix + key]
        return TensorSpec(key, tuple(stacked.shape[1:]), str(stacked.dtype))

    return Signature((spec(name, INPUT),), tuple(spec(key, OUTPUT) for key in outputs))


def _operator(model: onnx.ModelProto, name: str) -> str:
    """The operator that a case is of; one that is written out in others keeps the name of its case."""
    kinds = {node.op_type for node in model.graph.node if node.op_type != "Constant"}
    if len(kinds) == 1 and "_expanded" not in name:
        return kinds.pop()
    return name.removeprefix("test_").partition("_expanded")[0] + " (written out)" if "_expanded" in name else name
