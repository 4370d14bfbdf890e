"""Source models: the builder and weights behind an artifact of format torch or keras, built, loaded and called.

A builder is `module:function` or `path/file.py:function`; it returns an nn.Module or a keras.Model. It is code that
the user chose to run. Everything here runs in a worker that has the framework.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, Format, Framework, Precision, Signature
from converters.errors import ContractError, ModelError, UnsupportedError

FORMATS = {Framework.TORCH: Format.TORCH, Framework.TENSORFLOW: Format.KERAS}
_SEED = 0
_loaded: dict[tuple[str, str, str], Any] = {}


def load(artifact: Artifact) -> Any:
    """The nn.Module (in eval mode) or keras.Model of a source artifact; built once a process.

    Raises:
        ModelError: the builder or the weights file cannot be used.
    """
    key = (artifact.builder, json.dumps(dict(artifact.builder_args), sort_keys=True), artifact.sha256)
    if not artifact.sha256 or key not in _loaded:
        framework = next((name for name, format in FORMATS.items() if format is artifact.format), None)
        if framework is None:
            raise ContractError(f"a {artifact.format} file is not a source model")
        model = build(artifact.builder, artifact.builder_args, framework)
        _load_weights(model, artifact.path, framework, artifact.builder)
        _loaded[key] = model
    return _loaded[key]


def build(builder: str, args: Mapping[str, Any], framework: str | None) -> Any:
    """What the builder returns for `args`, after seeding; an nn.Module in eval mode or a keras.Model.

    Raises:
        ModelError: there is no such file, module or function, it raises, or it returns something else.
    """
    with _importable(builder):
        module, function = _builder(builder)
        _seed(framework, module)
        try:
            model = function(**args)
        except Exception as error:
            raise ModelError(f"the builder {builder!r} failed: {_last_line(error)}") from error
    found = framework_of(model)
    if found is None or (framework and found != framework):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        wanted = {"torch": "an nn.Module", "tensorflow": "a keras.Model"}.get(framework or "", "a model")
        raise ModelError(
            f"the builder {builder!r} returned {kind}, not {wanted}; return an nn.Module or a keras.Model "
            "and name its framework"
        )
    return model.eval() if found is Framework.TORCH else model


def framework_of(model: Any) -> Framework | None:
    """Which framework made a model, by its type; None for anything else."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if torch is not None and isinstance(model, torch.nn.Module):
        return Framework.TORCH
    if keras is not None and isinstance(model, keras.Model):
        return Framework.TENSORFLOW
    return None


def module_of(builder: str) -> ModuleType:
    """The module of a builder; a file is imported under a name made from its path and bytes.

    Raises:
        ModelError: the file or module does not exist or cannot be imported.
    """
    place, _, name = builder.rpartition(":")
    if not place or not name:
        raise ModelError(f"builder {builder!r} is not `module:function` or `file.py:function`")
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        return _import_file(Path(place))
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{place} of builder {builder!r} cannot be imported: {_last_line(error)}") from error


def save_weights(model: Any, path: Path) -> None:
    """Writes a model's weights as .safetensors (torch) or .weights.h5 (Keras)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if framework_of(model) is Framework.TORCH:
        import safetensors.torch

        safetensors.torch.save_model(model, str(path))
    else:
        model.save_weights(str(path))


def artifact(
    path: Path, builder: str, args: Mapping[str, Any], framework: str, signature: Signature, model: str = ""
) -> Artifact:
    """The source artifact of a builder and the weights file at `path`."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    meaning = json.dumps([builder.rpartition(":")[2], dict(args), digest], sort_keys=True)
    return Artifact(
        path=path,
        format=FORMATS[Framework(framework)],
        precision=Precision.FP32,
        signature=signature,
        source=signature,
        model=model or builder.rpartition(":")[2],
        framework=str(framework),
        producer=builder,
        sha256=digest,
        graph_hash=hashlib.sha256(meaning.encode()).hexdigest(),
        size_bytes=path.stat().st_size,
        builder=builder,
        builder_args=dict(args),
    )


def parameter_count(artifact: Artifact) -> int:
    """How many trainable numbers the source model has; batch statistics, which converters fold, left out."""
    model = load(artifact)
    if framework_of(model) is Framework.TORCH:
        return sum(parameter.numel() for parameter in model.parameters())
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


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
            named = name_outputs(_invoke_torch(model, names, tensors), signature)
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


def torch_wrapper(artifact: Artifact, *, as_tuple: bool = False) -> Any:
    """An nn.Module that takes the inputs in signature order (or by name) and returns `{name: output}` or a tuple."""
    import torch

    model, signature = load(artifact), artifact.source
    names = [spec.name for spec in signature.inputs]

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            tensors = [*args, *(kwargs[name] for name in names[len(args) :])]
            named = name_outputs(_invoke_torch(self.model, names, tensors), signature)
            return tuple(named.values()) if as_tuple else named

    return Named().eval()


def invoke_keras(model: Any, names: Sequence[str], tensors: Sequence[Any]) -> Any:
    """What a Keras model returns in inference mode for tensors in signature order."""
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
    return model(tensors[0] if len(tensors) == 1 else list(tensors))


def _invoke_torch(model: Any, names: Sequence[str], tensors: Sequence[Any]) -> Any:
    """By name where `forward` has parameters of these names, by position otherwise."""
    parameters = inspect.signature(model.forward).parameters
    if all(name in parameters for name in names):
        return model(**dict(zip(names, tensors, strict=True)))
    return model(*tensors)


def _torch_array(tensor: Any) -> np.ndarray:
    import torch

    if not isinstance(tensor, torch.Tensor):
        return np.asarray(tensor)
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).detach().cpu().numpy()


def _load_weights(model: Any, path: Path, framework: Framework, builder: str) -> None:
    if not path.is_file():
        raise ModelError(f"the weights of {builder!r} are missing: {path}")
    try:
        if framework is Framework.TORCH:
            import safetensors.torch

            safetensors.torch.load_model(model, str(path), strict=True)
        else:
            model.load_weights(str(path))
    except Exception as error:
        raise ModelError(f"the weights {path} do not fit {builder!r} or are damaged: {_last_line(error)}") from error


def _builder(builder: str) -> tuple[ModuleType, Callable[..., Any]]:
    module = module_of(builder)
    name = builder.rpartition(":")[2]
    function = getattr(module, name, None)
    if not callable(function):
        own = [
            k
            for k, v in vars(module).items()
            if inspect.isroutine(v) and getattr(v, "__module__", "") == module.__name__
        ]
        exists = ", ".join(sorted(k for k in own if not k.startswith("_"))) or "no functions"
        raise ModelError(f"{builder.rpartition(':')[0]} has no function {name!r}; it has {exists}")
    return module, function


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"there is no file {path} (in {Path.cwd()}); give `path/to/file.py:function`")
    path = path.resolve()
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()
    name = f"edge_export_model_{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise UnsupportedError(f"Python cannot import {path}")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


@contextmanager
def _importable(builder: str) -> Iterator[None]:
    """The builder file's folder first on the path while it is built, last afterwards (for late imports)."""
    place = builder.rpartition(":")[0]
    if not place.endswith(".py"):
        yield
        return
    folder = str(Path(place).resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _seed(framework: str | None, module: ModuleType) -> None:
    """Seeds the framework, or each one that the builder's module may use."""
    random.seed(_SEED)
    np.random.seed(_SEED)
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        text = ""
    for name, package in ((Framework.TORCH, "torch"), (Framework.TENSORFLOW, "keras")):
        used = re.search(rf"\b(import|from)\s+({package}|{name})\b", text) if framework is None else framework == name
        if used and package == "torch":
            importlib.import_module("torch").manual_seed(_SEED)
        elif used:
            importlib.import_module("keras").utils.set_random_seed(_SEED)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
