"""Eager calls: tensors bound to a model's parameters and outputs by the names of its signature."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from converters.builder import framework_of
from converters.contract import Arrays, Framework, Signature
from converters.errors import ContractError
from converters.model_files.served import Served

_take_mappings: weakref.WeakSet[Any] = weakref.WeakSet()
"""Subclassed Keras models found to take their tensors as one mapping: nothing in them says so before a call."""


def call(model: Any, inputs: Arrays, signature: Signature) -> Arrays:
    """One eager call: arrays in and out by the names of `signature`.

    Raises:
        ContractError: the model's outputs are not those of the signature.
    """
    names = [spec.name for spec in signature.inputs]
    if framework_of(model) is Framework.TORCH:
        import torch

        tensors = [torch.from_numpy(v if v.flags.writeable else v.copy()) for v in (inputs[name] for name in names)]
        with torch.inference_mode():
            named = name_outputs(invoke_torch(model, names, tensors), signature)
        return {name: _torch_array(value) for name, value in named.items()}
    outputs = invoke_keras(model, names, [inputs[name] for name in names])
    return {name: np.asarray(value) for name, value in name_outputs(outputs, signature).items()}


def name_outputs(outputs: Any, signature: Signature) -> dict[str, Any]:
    """A model's outputs (tensor, sequence, mapping, nested) by the names of `signature`, in its order.

    Mappings whose keys are the signature's names bind by name; everything else by position.
    """
    flat, names = flatten(outputs), [spec.name for spec in signature.outputs]
    if len(flat) != len(names):
        raise ContractError(f"the model returns {len(flat)} outputs {list(flat)}, its signature names {names}")
    if set(flat) == set(names):
        return {name: flat[name] for name in names}
    return dict(zip(names, flat.values(), strict=True))


def flatten(outputs: Any) -> dict[str, Any]:
    """Named tensors of a nested structure: `output`, `output_0`..., or the keys of mappings joined by dots."""

    def walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from walk(item, f"{path}.{key}" if path else str(key))
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                yield from walk(item, f"{path}.{index}" if path else f"output_{index}")
        elif value is not None:
            yield path or "output", value

    return dict(walk(outputs, ""))


def invoke_torch(model: Any, names: Sequence[str], tensors: Sequence[Any]) -> Any:
    """What an nn.Module returns: by name where `forward` has parameters of these names, else by position.

    Several tensors for a `forward` of one parameter go in as one mapping by name.
    """
    parameters = inspect.signature(model.forward).parameters
    by_name = dict(zip(names, tensors, strict=True))
    if all(name in parameters for name in names):
        return model(**by_name)
    return model(by_name) if len(tensors) > 1 and _places(parameters) == 1 else model(*tensors)


def invoke_keras(model: Any, names: Sequence[str], tensors: Sequence[Any]) -> Any:
    """What a Keras model returns in inference mode for tensors in signature order.

    A subclassed model takes them by the names of its `call`, by position, as a list, or as a mapping by name.
    """
    if isinstance(model, Served):
        return model(dict(zip(names, tensors, strict=True)))
    import keras

    struct = getattr(model, "_inputs_struct", None)
    if struct is not None:
        order = {tensor.name: tensor for tensor in model.inputs}
        if set(order) == set(names):
            by_name = dict(zip(names, tensors, strict=True))
            tensors = [by_name[name] for name in order]
        return model(keras.tree.pack_sequence_as(struct, list(tensors)), training=False)
    parameters = inspect.signature(model.call).parameters
    if len(tensors) > 1 and all(name in parameters for name in names):
        return model(**dict(zip(names, tensors, strict=True)))
    if len(tensors) > 1 and _places(parameters) > 1:
        return model(*tensors)
    by_name = dict(zip(names, tensors, strict=True))
    if model in _take_mappings:
        return model(by_name)
    try:
        return model(tensors[0] if len(tensors) == 1 else list(tensors))
    except (TypeError, LookupError, ValueError, AttributeError) as error:
        try:
            outputs = model(by_name)
        except Exception:
            raise error from None
        _take_mappings.add(model)
        return outputs


def _places(parameters: Mapping[str, inspect.Parameter]) -> float:
    """How many tensors a call takes by position and without a default; any number where it has `*args`."""
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return float("inf")
    places = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty for p in places)


def _torch_array(tensor: Any) -> np.ndarray:
    import torch

    if not isinstance(tensor, torch.Tensor):
        return np.asarray(tensor)
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).detach().cpu().numpy()
