"""Whole Keras models, `.keras` archives and `.h5`: looked through first, since a layer in them may be Python code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converters.builder import last_line
from converters.contract import Artifact, Format
from converters.errors import ModelError
from converters.sniff import sniff

_CODE = {
    "Lambda": "Python code inside the file",
    "__lambda__": "Python code inside the file",
    "TFSMLayer": "a SavedModel somewhere on the disk",
}
"""Classes that would run what is in the file, or near it."""
_OWN = ("keras", "builtins", "tensorflow.keras", "tf_keras", "keras_core")


def check(path: Path) -> None:
    """Raises ModelError for a file that is damaged, or whose layers are code: Lambda layers, classes of others."""
    if (found := sniff(path)) is not Format.KERAS_FILE:
        raise ModelError(f"{path} holds {found}, not a Keras model")
    config = _config(path)
    for kind, name, module in _classes(config):
        layer = f"layer {name!r} is a {kind}" if name else f"it holds a {kind}"
        if kind in _CODE:
            raise ModelError(
                f"{path} is not loaded: {layer}, which runs {_CODE[kind]}; write a Layer class for it and give "
                "the model as file.py:function"
            )
        if module and module.split(".")[0] not in {own.split(".")[0] for own in _OWN}:
            raise ModelError(
                f"{path}: {layer}, a class of {module} that Keras does not know; give the model as file.py:function, "
                "whose code imports it"
            )


def load(path: Path) -> Any:
    """The keras.Model of a file that was looked through.

    Raises:
        ModelError: it is damaged, holds code, or is not read by this Keras.
    """
    import keras

    check(path)
    try:
        model = keras.saving.load_model(str(path), compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path} is no model that Keras {keras.__version__} reads: {last_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise ModelError(f"{path} holds a {type(model).__name__}, not a keras.Model; save the whole model")
    return model


def opened(artifact: Artifact) -> Any:
    """The model in an artifact's file, as `load`."""
    return load(artifact.path)


def _config(path: Path) -> Any:
    """What the file says of its layers."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            config = file.attrs["model_config"]
        return json.loads(config)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, RecursionError) as error:
        raise ModelError(f"{path} is a damaged Keras model: {last_line(error)}; copy it again") from error


def _classes(config: Any) -> Iterator[tuple[str, str, str]]:
    """(class, name of the layer, module) of everything that the file would make."""
    todo = [config]
    while todo:
        here = todo.pop()
        if isinstance(here, dict):
            if isinstance(here.get("class_name"), str):
                inner = here.get("config")
                name = inner.get("name", "") if isinstance(inner, dict) else ""
                yield here["class_name"], str(name), str(here.get("module") or "")
            todo += here.values()
        elif isinstance(here, list):
            todo += here
