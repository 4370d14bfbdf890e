"""The oldest TensorFlow Lite that runs a .tflite file: by the versions of its operators, not by what the file claims.

`min_runtime_version` is written by converters; quantizers copy it, and leave the versions of operators as they were. So
both are computed: the version that an operator's types ask for, and the release in which it came. As in
`tensorflow/lite/tools/versioning` (`op_version.cc`, `runtime_version.cc`), which knows releases up to 2.11; versions
of operators that it does not list say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from converters.inspection import Needs, OpInfo, TensorInfo
from converters.litert.flatbuffer import Model, opened

RUNTIME = "TensorFlow Lite"
KEY = "min_runtime_version"
_RELEASES = """
ABS 1.13 2.4 2.5 2.6|ADD 1.5 1.14 2.4 2.6|ADD_N 1.14|ARG_MAX 1.9 1.14 2.9|ARG_MIN 1.9 1.14 2.9|ASSIGN_VARIABLE 2.6
ATAN2 2.10|AVERAGE_POOL_2D 1.5 1.14 2.3|BATCH_MATMUL 2.3 2.3 2.4 2.5|BATCH_TO_SPACE_ND 1.6 1.14 2.3
BIDIRECTIONAL_SEQUENCE_LSTM 1.14 1.14 1.14|BIDIRECTIONAL_SEQUENCE_RNN 1.14 1.14 2.3|BROADCAST_ARGS 2.6
BROADCAST_TO - 2.5 2.5|BUCKETIZE 2.8|CALL_ONCE 2.5|CAST 1.5 2.7 2.8 2.9|CEIL 1.14|COMPLEX_ABS 2.5
CONCATENATION 1.5 1.14 2.3|CONV_2D 1.5 1.14 1.14 2.3 2.4 2.9|CONV_3D 2.5|CONV_3D_TRANSPOSE 2.6|COS 1.14|CUMSUM 2.4
DENSIFY 2.2|DEPTHWISE_CONV_2D 1.5 1.12 1.14 2.2 2.3 2.3|DEPTH_TO_SPACE 2.1 2.5|DEQUANTIZE 1.13.1 1.14 1.15 2.2 2.7
DIV 1.6 2.3|DYNAMIC_UPDATE_SLICE 2.9|ELU 1.14|EMBEDDING_LOOKUP 1.13 1.14 1.14|EMBEDDING_LOOKUP_SPARSE 1.5
EQUAL 1.14 1.14 2.3|EXP 1.7|EXPAND_DIMS 1.10|FAKE_QUANT 1.5 1.10|FILL 1.13 2.3 2.5|FLOOR 1.9|FLOOR_DIV 1.14 1.14
FLOOR_MOD 1.13|FULLY_CONNECTED 1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3|GATHER 1.6 1.14 1.15 2.4 2.5
GATHER_ND 1.14 2.3 2.5|GELU 2.9 2.9|GREATER 1.14 1.14|GREATER_EQUAL 1.14 1.14|HARD_SWISH 1.15|HASHTABLE 2.5
HASHTABLE_FIND 2.5|HASHTABLE_IMPORT 2.5|HASHTABLE_LOOKUP 1.5|HASHTABLE_SIZE 2.5|IF 1.15|IMAG 2.5
L2_NORMALIZATION 1.5 1.14|L2_POOL_2D 1.5|LEAKY_RELU 1.13.1 2.3|LESS 1.14 1.14|LESS_EQUAL 1.14 1.14
LOCAL_RESPONSE_NORMALIZATION 1.5|LOG 1.14|LOGICAL_AND 1.11|LOGICAL_NOT 1.11|LOGICAL_OR 1.11|LOGISTIC 1.14 1.14 2.3
LOG_SOFTMAX 1.14 1.14|LSH_PROJECTION 1.5|LSTM 1.7 1.10 1.14 2.3|MATRIX_DIAG 1.14|MATRIX_SET_DIAG 1.14
MAXIMUM 1.14 1.14 2.3 2.3|MAX_POOL_2D 1.5 1.14 2.3|MEAN 1.6 1.14 2.4|MINIMUM 1.14 1.14 2.3 2.3
MIRROR_PAD 1.13.1 2.3|MUL 1.5 1.14 1.15 2.3 2.6|MULTINOMIAL 2.8|NEG 1.9|NON_MAX_SUPPRESSION_V4 2.1
NON_MAX_SUPPRESSION_V5 2.1|NOT_EQUAL 1.14 1.14 2.3|ONE_HOT 1.11|PACK 1.11 1.14 2.3|PAD 1.5 1.14 2.4 2.6
PADV2 1.9 1.14 2.4 2.6|POW 1.10|PRELU 1.8|QUANTIZE 1.14 1.15 2.7|RANDOM_STANDARD_NORMAL 2.8|RANDOM_UNIFORM 2.8
RANGE 1.13|RANK 1.14|READ_VARIABLE 2.6|REAL 2.5|REDUCE_ALL 2.6|REDUCE_ANY 1.11|REDUCE_MAX 1.11 1.14 2.5
REDUCE_MIN 1.11 1.14 2.5|REDUCE_PROD 1.11 2.6|RELU 1.5 2.1 2.5|RELU6 1.5 1.14 2.5|RELU_0_TO_1 2.10|RELU_N1_TO_1 1.5
RESHAPE 1.5|RESIZE_BILINEAR 1.7 1.14 2.2 2.5|RESIZE_NEAREST_NEIGHBOR 1.13.1 1.14 2.3 2.4|REVERSE_SEQUENCE 1.14
REVERSE_V2 1.14 2.2 2.5|RFFT2D 2.5|RNN 1.5 1.14 2.3|ROUND 1.14|RSQRT 1.10 2.5|SCATTER_ND 2.1|SEGMENT_SUM 2.2
SELECT 1.14 1.14|SELECT_V2 2.2|SHAPE 1.10|SIN 1.9|SKIP_GRAM 1.5|SLICE 1.14 1.14 1.14 2.4 2.5|SOFTMAX 1.5 1.14 2.3
SPACE_TO_BATCH_ND 1.6 1.14 2.3|SPACE_TO_DEPTH 1.5 1.14|SPARSE_TO_DENSE 1.9 1.14 1.15|SPLIT 1.5 1.14 1.14 2.3
SPLIT_V 1.13.1 2.3|SQRT 1.10|SQUARE 1.12|SQUARED_DIFFERENCE 1.13.1 2.5|SQUEEZE 1.6 2.5
STRIDED_SLICE 1.6 1.14 2.1 2.2 2.5 2.6|SUB 1.6 1.14 2.3 2.4 2.4|SUM 1.10 1.15|SVDF 1.5 1.14 2.2 2.3
TANH 1.14 1.14 2.3|TILE 1.10.1 2.2 2.8|TOPK_V2 1.7 1.14|TRANSPOSE 1.6 1.14 1.15 2.3 2.4|TRANSPOSE_CONV 1.9 2.2 2.3
UNIDIRECTIONAL_SEQUENCE_LSTM 1.13.1 1.14 2.3|UNIDIRECTIONAL_SEQUENCE_RNN 1.14 1.14 2.3|UNIQUE 1.14
UNPACK 1.11 1.14 2.2 2.3|UNSORTED_SEGMENT_MAX 2.10|UNSORTED_SEGMENT_MIN 2.11|UNSORTED_SEGMENT_PROD 2.10
UNSORTED_SEGMENT_SUM 2.10|VAR_HANDLE 2.6|WHERE 1.14 2.8|WHILE 1.15|ZEROS_LIKE 1.12
"""
"""An operator and the releases in which its versions 1, 2, ... came."""

_ALL = {name: releases for name, *releases in (row.split() for row in _RELEASES.replace("\n", "|").split("|") if row)}
_BY_WEIGHTS = {
    ("CONV_2D", "int8", "int8"): 3,
    ("CONV_2D", "int16", "int8"): 4,
    ("CONV_2D", "float32", "int8"): 2,
    ("DEPTHWISE_CONV_2D", "int8", "int8"): 3,
    ("DEPTHWISE_CONV_2D", "int16", "int8"): 5,
    ("DEPTHWISE_CONV_2D", "float32", "int8"): 4,
    ("FULLY_CONNECTED", "int8", "int8"): 4,
    ("FULLY_CONNECTED", "int16", "int8"): 7,
    ("FULLY_CONNECTED", "float32", "int8"): 3,
}
_LATER_BY_CHANNEL = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6}
"""Of float inputs beside int8 weights with one scale a channel."""
_BY_TYPE = {
    "int8": dict.fromkeys(
        [
            *(
                "ADD",
                "ARG_MAX",
                "AVERAGE_POOL_2D",
                "BATCH_TO_SPACE_ND",
                "CONCATENATION",
                "DEQUANTIZE",
                "GATHER",
                "LOGISTIC",
            ),
            *("MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN"),
            *("RELU", "RELU6", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SLICE", "SOFTMAX"),
            *("SPACE_TO_BATCH_ND", "STRIDED_SLICE", "SUB", "TANH", "TRANSPOSE", "UNPACK"),
        ],
        2,
    ),
    "int16": {
        **dict.fromkeys(("AVERAGE_POOL_2D", "CONCATENATION", "DEQUANTIZE", "LOGISTIC", "MAX_POOL_2D", "MEAN"), 3),
        **dict.fromkeys(("PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "SOFTMAX", "TANH"), 3),
        **dict.fromkeys(("GATHER", "MAXIMUM", "MINIMUM", "MUL", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), 4),
        **dict.fromkeys(("SLICE", "UNPACK"), 4),
        "LEAKY_RELU": 2,
        "TRANSPOSE": 5,
    },
    "int64": {"ADD": 4, "MUL": 5, "SUB": 4},
    "float16": {"DEQUANTIZE": 3},
}


def needs(ops: Sequence[OpInfo], tensors: Sequence[TensorInfo], claimed: str) -> Needs:
    """What the operators of a file need, beside what it claims."""
    found = Needs(RUNTIME, "", "", claimed)
    for version, because in _releases(ops, tensors):
        one = Needs(RUNTIME, version, because, claimed)
        found = one if one.more_than(found.version) else found
    return found


def claim(path: Path, version: str) -> None:
    """Writes the version into a file that claims one; a file without the entry is left as it is: no runtime asks."""
    with opened(path) as model:
        place = _place(model)
    if place is not None:
        start, length = place
        with path.open("r+b") as file:
            file.seek(start)
            file.write(version.encode().ljust(length, b"\0")[:length])


def _place(model: Model) -> tuple[int, int] | None:
    """Where the claim lies in the file, and its length."""
    for entry in model.items(model.root, "Metadata"):
        if entry.Name() == KEY.encode():
            buffer = model.root.Buffers(entry.Buffer())
            offset = buffer._tab.Offset(4)
            return (buffer._tab.Vector(offset), buffer.DataLength()) if offset else None
    return None


def _releases(ops: Sequence[OpInfo], tensors: Sequence[TensorInfo]) -> Iterator[tuple[str, str]]:
    """(release, why) of each operator whose version the table lists."""
    for op in ops:
        version = max(op.version, _by_types(op, [tensors[index] for index in op.inputs if index >= 0]))
        releases = _ALL.get(op.type, [])
        if version <= len(releases) and releases[version - 1] != "-":
            release = releases[version - 1]
            yield release + ".0" * (2 - release.count(".")), f"{op.type} of version {version}"


def _by_types(op: OpInfo, inputs: Sequence[TensorInfo]) -> int:
    """The version that the types of an operator's inputs ask for; 1 where they ask for none."""
    if not inputs:
        return 1
    if len(inputs) > 1 and (least := _BY_WEIGHTS.get((op.type, inputs[0].dtype, inputs[1].dtype))):
        by_channel = inputs[0].dtype == "float32" and inputs[1].scales > 1
        return _LATER_BY_CHANNEL.get(op.type, least) if by_channel else least
    return _BY_TYPE.get(inputs[0].dtype, {}).get(op.type, 1)
