"""A user's own model: built once, called once, its signature read off, its weights saved."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.builder import build, framework_of, last_line, module_of
from converters.calling import flatten, invoke_keras, invoke_torch
from converters.contract import Arrays, Artifact, Framework, Signature, TensorSpec
from converters.errors import EdgeExportError, ModelError, UsageError
from converters.limits import with_limits
from converters.names import kept_names
from converters.weights import FORMATS, artifact, fixed, save_weights


def capture(
    builder: str,
    builder_args: Mapping[str, Any],
    weights_out: Path,
    inputs: tuple[TensorSpec, ...] | None = None,
    framework: str | None = None,
) -> Artifact:
    """The source artifact of the model that a builder makes, its weights written to `weights_out`.

    Where that has no ending, it gets the framework's own.

    Inputs come from `inputs`, else from the Keras model, else from the builder module's `example_inputs()`: a tensor,
    a sequence, or a mapping by name. Output names are the keys of the model's own mapping, else the Keras output
    names, else `output` or `output_0`... A name that a toolkit would lose becomes the nearest that all keep
    (`converters.names`). A 4-D float input of PyTorch counts as NCHW, of Keras as NHWC.

    Raises:
        ModelError: the builder fails, or the model does not take these inputs, is random, or not float32.
        UsageError: nobody says what the inputs are.
    """
    model = build(builder, builder_args, framework)
    kind = framework_of(model)
    assert kind is not None  # build() refused anything else
    _require_float32(model, kind, builder)
    specs, values, examples = _inputs(model, kind, builder, inputs)
    outputs = _run(model, kind, specs, values, builder)
    specs, values = _kept(model, kind, specs, values, builder)
    _require_same(outputs, _run(model, kind, specs, values, builder), builder)
    specs = with_limits(specs, values, examples, lambda given: _run(model, kind, specs, given, builder))
    named = zip(kept_names(outputs), outputs.values(), strict=True)
    signature = Signature(specs, tuple(_spec(name, value, kind) for name, value in named))
    suffix = FORMATS[kind].suffix
    if not weights_out.suffix:
        weights_out = weights_out.with_name(weights_out.name + suffix)
    if not weights_out.name.endswith(suffix):
        raise UsageError(f"{weights_out.name} cannot hold the weights of a {kind} model; end it with {suffix}")
    save_weights(model, weights_out)
    return artifact(weights_out, builder, builder_args, kind, signature)


def _kept(
    model: Any, kind: Framework, specs: tuple[TensorSpec, ...], values: Arrays, builder: str
) -> tuple[tuple[TensorSpec, ...], Arrays]:
    """The inputs under names that toolkits keep, in the order of the call, which then binds them by position.

    A model that takes a mapping by its own names keeps those.
    """
    if kept_names(values) == list(values):
        return specs, values
    call = list(inspect.signature(model.forward if kind is Framework.TORCH else model.call).parameters)
    if all(name in call for name in values):
        specs = tuple(sorted(specs, key=lambda spec: call.index(spec.name)))
    kept = dict(zip([spec.name for spec in specs], kept_names(spec.name for spec in specs), strict=True))
    renamed = tuple(dataclasses.replace(spec, name=kept[spec.name]) for spec in specs)
    under = {kept[spec.name]: values[spec.name] for spec in specs}
    try:
        _run(model, kind, renamed, under, builder)
    except ModelError:
        return specs, values
    return renamed, under


def _require_float32(model: Any, kind: Framework, builder: str) -> None:
    """Raises for weights in another float type: every route starts from fp32."""
    if kind is Framework.TORCH:
        types = {name: str(weight.dtype).removeprefix("torch.") for name, weight in model.named_parameters()}
    else:
        types = {weight.path: str(weight.dtype) for weight in model.weights}
    other = [f"{name} ({dtype})" for name, dtype in types.items() if "float" in dtype and dtype != "float32"]
    if other:
        raise ModelError(
            f"the model of {builder} holds weights that are not float32: {other[0]}"
            + (f" and {len(other) - 1} more" if len(other) > 1 else "")
            + ("; return model.float()" if kind is Framework.TORCH else "; build it with the float32 policy")
        )


def _require_same(first: Arrays, second: Arrays, builder: str) -> None:
    """Raises for a model that answers the same question otherwise the second time."""
    for name, value in first.items():
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            continue
        apart = float(np.abs(second[name] - value).max(initial=0.0)) if second[name].shape == value.shape else np.inf
        if apart > 1e-3 * float(np.abs(value).max(initial=0.0)):
            raise ModelError(
                f"the model of {builder} gives another {name!r} for the same input a second time (up to {apart:.3g} "
                "apart): it is random or keeps a state, and no conversion of it can be proved"
            )


def _inputs(
    model: Any, kind: Framework, builder: str, given: tuple[TensorSpec, ...] | None
) -> tuple[tuple[TensorSpec, ...], Arrays, bool]:
    """The specs of the inputs, one value of each, and whether those are the owner's own."""
    if given:
        specs = given
        own = {tensor.name for tensor in getattr(model, "inputs", None) or ()} if kind is Framework.TENSORFLOW else None
        if own and own != {spec.name for spec in given}:
            raise UsageError(f"{builder} has the inputs {sorted(own)}, not {sorted(spec.name for spec in given)}")
    elif kind is Framework.TENSORFLOW and getattr(model, "inputs", None):
        specs = tuple(TensorSpec(t.name, (t.shape[0] or 1, *t.shape[1:]), t.dtype) for t in model.inputs)
    else:
        return _examples(model, kind, builder)
    dynamic = [spec.name for spec in specs if None in spec.shape[1:]]
    if dynamic:
        raise UsageError(f"input {dynamic[0]!r} of {builder} has a dynamic shape; fix it: --input {dynamic[0]}:1x3x...")
    specs = tuple(named_axes(dataclasses.replace(spec, shape=fixed(spec)), kind) for spec in specs)
    return specs, {spec.name: _sample(spec) for spec in specs}, False


def _examples(model: Any, kind: Framework, builder: str) -> tuple[tuple[TensorSpec, ...], Arrays, bool]:
    function = getattr(module_of(builder), "example_inputs", None)
    if function is None:
        raise UsageError(
            f"the inputs of {builder} are not known: give each one, as in `--input image:1x3x224x224:float32`, "
            "or write a function example_inputs() beside the builder that returns a tuple or dict of tensors"
        )
    try:
        examples = function()
    except Exception as error:
        raise ModelError(f"example_inputs() beside {builder} failed: {last_line(error)}") from error
    if not isinstance(examples, Mapping):
        items = list(examples) if isinstance(examples, (list, tuple)) else [examples]
        call = model.forward if kind is Framework.TORCH else model.call
        names = [name for name, p in inspect.signature(call).parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        names += [f"input_{index}" for index in range(len(names), len(items))]
        examples = dict(zip(names, items, strict=False))
    if not examples:
        raise UsageError(f"example_inputs() beside {builder} returned nothing; return a tuple or dict of tensors")
    values = {name: _array(value) for name, value in examples.items()}
    return tuple(_spec(name, value, kind) for name, value in values.items()), values, True


def _run(model: Any, kind: Framework, specs: tuple[TensorSpec, ...], values: Arrays, builder: str) -> Arrays:
    """The named outputs of one eager call."""
    names = [spec.name for spec in specs]
    try:
        if kind is Framework.TORCH:
            import torch

            with torch.no_grad():
                outputs = invoke_torch(model, names, [torch.from_numpy(values[name]) for name in names])
        else:
            outputs = invoke_keras(model, names, [values[name] for name in names])
    except EdgeExportError:
        raise
    except Exception as error:
        took = ", ".join(f"{spec.name} {spec.shape} {spec.dtype}" for spec in specs)
        raise ModelError(f"the model of {builder} does not take {took}: {last_line(error)}") from error
    flat = {name: _array(value) for name, value in flatten(outputs).items()}
    if not flat:
        raise ModelError(f"the model of {builder} returns no tensor")
    own = list(getattr(model, "output_names", None) or ()) if kind is Framework.TENSORFLOW else []
    if not isinstance(outputs, Mapping) and len(set(own)) == len(flat):
        flat = dict(zip(own, flat.values(), strict=True))
    return flat


def _array(value: Any) -> np.ndarray:
    """A tensor of either framework, or anything like one."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _sample(spec: TensorSpec) -> np.ndarray:
    """A value for a first call: pixels, zeros for integers (a valid index anywhere), normal numbers."""
    random, shape = np.random.default_rng(0), fixed(spec)
    if np.dtype(spec.dtype).kind != "f":
        return np.zeros(shape, spec.dtype)
    low, high = spec.limits or (0, 255)
    ranged = spec.limits or spec.meaning == "image"
    return (random.uniform(low, high, shape) if ranged else random.normal(size=shape)).astype(spec.dtype)


def _spec(name: str, value: np.ndarray, kind: Framework) -> TensorSpec:
    return named_axes(TensorSpec(name, value.shape, str(value.dtype)), kind)


def named_axes(spec: TensorSpec, kind: Framework) -> TensorSpec:
    """The spec with layout and meaning guessed where they are missing: channels last in Keras, first elsewhere."""
    shape, layout, meaning = spec.shape, spec.layout, spec.meaning
    if not layout and len(shape) == 2:
        layout = "NC"
    if not layout and len(shape) == 4 and np.dtype(spec.dtype).kind == "f":
        channels_last = (shape[3] or 0) <= 4 < (shape[1] or 0)
        layout = "NHWC" if kind is Framework.TENSORFLOW else "" if channels_last else "NCHW"
    if not meaning and layout in ("NCHW", "NHWC") and shape[layout.index("C")] in (1, 3):
        meaning = "image"
    if not meaning and spec.name == "logits":
        meaning = "logits"
    return dataclasses.replace(spec, layout=layout, meaning=meaning)
