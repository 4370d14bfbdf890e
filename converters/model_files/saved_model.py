"""SavedModels: one signature of a folder, called as a Keras model is called."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from converters import content
from converters.builder import last_line
from converters.contract import Artifact, Format, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError
from converters.model_files.served import Served
from converters.sniff import sniff

_CODE = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), "a Python function (py_function) that is not in it"),
    **dict.fromkeys(("ReadFile", "WriteFile", "MatchingFiles", "PrintV2"), "files of this machine"),
}
"""Operators that reach out of the graph."""
DEFAULT = "serving_default"


def check(path: Path) -> Any:
    """The `SavedModel` message of a folder.

    Raises:
        ModelError: it is damaged, or its graph reaches out of itself.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    if (found := sniff(path)) is not Format.SAVEDMODEL:
        raise ModelError(f"{path} holds {found}, not a SavedModel")
    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString((path / "saved_model.pb").read_bytes())
    except Exception as error:
        raise ModelError(f"{path} is a damaged SavedModel: {last_line(error)}; copy it again") from error
    if not message.meta_graphs:
        raise ModelError(f"{path} is a damaged SavedModel: it holds no graph; copy it again")
    graphs = message.meta_graphs
    for meta in graphs:
        bodies = [node for function in meta.graph_def.library.function for node in function.node_def]
        for node in (*meta.graph_def.node, *bodies):
            if node.op in _CODE:
                raise ModelError(
                    f"{path}: operator {node.name!r} ({node.op}) needs {_CODE[node.op]}: it cannot be exported; "
                    "write that step in TensorFlow operators and save the model again"
                )
    saved = any("variable" in {node.WhichOneof("kind") for node in meta.object_graph_def.nodes} for meta in graphs)
    if saved and not (path / "variables" / "variables.index").is_file():
        raise ModelError(f"{path} lacks {path.name}/variables, where its weights are; copy the whole folder")
    return message


def load(path: Path) -> Served:
    """The serving signature of a folder that was looked through.

    Raises:
        ModelError: it is damaged, reaches out of its graph, has several signatures and none to serve, or operators that
            this TensorFlow does not have.
    """
    import tensorflow as tf

    message = check(path)
    try:
        loaded = _loaded(path, message)
    except Exception as error:
        raise ModelError(f"{path} is no model that TensorFlow {tf.__version__} reads: {last_line(error)}") from error
    found = dict(loaded.signatures)
    if DEFAULT not in found and len(found) != 1:
        raise ModelError(
            f"{path} has the signatures {', '.join(found) or 'none'} and no {DEFAULT!r}: save it with "
            "tf.saved_model.save(model, path, signatures=model.your_function)"
        )
    return Served(loaded, found.get(DEFAULT) or next(iter(found.values())))


def opened(artifact: Artifact) -> Any:
    """The model in an artifact's file, as `load`."""
    return load(artifact.path)


def _loaded(path: Path, message: Any) -> Any:
    """The object that was saved, without its optimizer's slots: TensorFlow cannot make those of Keras 2 any more."""
    import tensorflow as tf

    nodes = [node for meta in message.meta_graphs for node in meta.object_graph_def.nodes if node.slot_variables]
    if not nodes:
        return tf.saved_model.load(str(path))
    for node in nodes:
        del node.slot_variables[:]
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        for name, file in content.files(path.resolve()).items():  # TensorFlow follows no link to a folder
            if name != "saved_model.pb":
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / name).symlink_to(file)
        (Path(folder) / "saved_model.pb").write_bytes(message.SerializeToString())
        return tf.saved_model.load(folder)


def signature(served: Served) -> Signature:
    """The tensors that it takes and gives, by name, for the file keeps no order; sizes that it leaves open are None.

    Raises:
        UnsupportedError: an input or output is a text, or no tensor of known rank.
    """
    inputs = served.function.structured_input_signature[1]
    outputs = served.function.structured_outputs
    return Signature(
        tuple(_spec(name, spec) for name, spec in sorted(inputs.items())),
        tuple(_spec(name, spec) for name, spec in sorted(outputs.items())),
    )


def arguments(served: Served) -> dict[str, Any]:
    """The tensors of its graph that its inputs go into, by the inputs' names."""
    count = len(served.function.structured_input_signature[1])
    keywords = served.function._arg_keywords  # in the order of the function's inputs
    return dict(zip(keywords[:count], served.function.inputs[:count], strict=True))


def _spec(name: str, spec: Any) -> TensorSpec:
    if spec.dtype.name in ("string", "resource", "variant"):
        raise UnsupportedError(
            f"`{name}` has the type {spec.dtype.name}: only numbers are compared; save a signature that takes "
            "tensors of numbers"
        )
    if spec.shape.rank is None:
        raise UnsupportedError(f"`{name}` has no known rank; save a signature with tf.TensorSpec([None, ...])")
    return TensorSpec(name, tuple(spec.shape.as_list()), spec.dtype.name)
