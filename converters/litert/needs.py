"""The oldest TensorFlow Lite that runs a .tflite file: by the versions of its operators, not by what the file claims.

`min_runtime_version` is written by converters; quantizers copy it, and leave the versions of operators as they were. So
both are computed: the version that an operator's types ask for, and the release in which it came. As in
`tflite/tools/versioning` of LiteRT (`op_version.cc`, `runtime_version.cc`), which knows releases up to TensorFlow 2.20;
versions of operators that it does not list say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from converters.inspection import Needs, OpInfo, TensorInfo
from converters.litert.flatbuffer import Model, opened

RUNTIME = "TensorFlow Lite"
KEY = "min_runtime_version"
_RELEASES = """
ABS 1.13 2.4 2.5 2.6 2.12|ADD 1.5 1.14 2.4 2.6 2.13|ADD_N 1.14|ARG_MAX 1.9 1.14 2.9|ARG_MIN 1.9 1.14 2.9
ASSIGN_VARIABLE 2.6|ATAN2 2.10|AVERAGE_POOL_2D 1.5 1.14 2.3|BATCH_MATMUL 2.3 2.3 2.4 2.5
BATCH_TO_SPACE_ND 1.6 1.14 2.3 2.12|BIDIRECTIONAL_SEQUENCE_LSTM 1.14 1.14 1.14
BIDIRECTIONAL_SEQUENCE_RNN 1.14 1.14 2.3|BITCAST 2.13|BITWISE_XOR 2.13|BROADCAST_ARGS 2.6|BROADCAST_TO - 2.5 2.5
BUCKETIZE 2.8|CALL_ONCE 2.5|CAST 1.5 2.7 2.8 2.9 2.12 2.15 2.17|CEIL 1.14|COMPLEX_ABS 2.5
CONCATENATION 1.5 1.14 2.3 2.14|CONV_2D 1.5 1.14 1.14 2.3 2.4 2.9 2.11 2.15|CONV_3D 2.5|CONV_3D_TRANSPOSE 2.6|COS 1.14
CUMSUM 2.4|DENSIFY 2.2|DEPTHWISE_CONV_2D 1.5 1.12 1.14 2.2 2.3 2.3 2.11|DEPTH_TO_SPACE 2.1 2.5
DEQUANTIZE 1.13.1 1.14 1.15 2.2 2.7 2.18|DILATE 2.15|DIV 1.6 2.3|DYNAMIC_UPDATE_SLICE 2.9 2.17 2.19 2.20|ELU 1.14
EMBEDDING_LOOKUP 1.13 1.14 1.14 2.18|EMBEDDING_LOOKUP_SPARSE 1.5|EQUAL 1.14 1.14 2.3 2.13|EXP 1.7 2.12
EXPAND_DIMS 1.10|FAKE_QUANT 1.5 1.10|FILL 1.13 2.3 2.5 2.12|FLOOR 1.9|FLOOR_DIV 1.14 1.14 2.13|FLOOR_MOD 1.13 2.13
FULLY_CONNECTED 1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3 2.11 2.15 2.17 2.18|GATHER 1.6 1.14 1.15 2.4 2.5 2.13 2.15
GATHER_ND 1.14 2.3 2.5 2.13 2.16|GELU 2.9 2.9|GREATER 1.14 1.14|GREATER_EQUAL 1.14 1.14 2.13|HARD_SWISH 1.15
HASHTABLE 2.5|HASHTABLE_FIND 2.5|HASHTABLE_IMPORT 2.5|HASHTABLE_LOOKUP 1.5|HASHTABLE_SIZE 2.5|IF 1.15|IMAG 2.5
L2_NORMALIZATION 1.5 1.14|L2_POOL_2D 1.5|LEAKY_RELU 1.13.1 2.3|LESS 1.14 1.14 2.13|LESS_EQUAL 1.14 1.14
LOCAL_RESPONSE_NORMALIZATION 1.5|LOG 1.14 2.15|LOGICAL_AND 1.11|LOGICAL_NOT 1.11|LOGICAL_OR 1.11
LOGISTIC 1.14 1.14 2.3|LOG_SOFTMAX 1.14 1.14|LSH_PROJECTION 1.5|LSTM 1.7 1.10 1.14 2.3|MATRIX_DIAG 1.14
MATRIX_SET_DIAG 1.14|MAXIMUM 1.14 1.14 2.3 2.3|MAX_POOL_2D 1.5 1.14 2.3|MEAN 1.6 1.14 2.4|MINIMUM 1.14 1.14 2.3 2.3
MIRROR_PAD 1.13.1 2.3 2.12|MUL 1.5 1.14 1.15 2.3 2.6 2.11 2.13|MULTINOMIAL 2.8|NEG 1.9|NON_MAX_SUPPRESSION_V4 2.1
NON_MAX_SUPPRESSION_V5 2.1|NOT_EQUAL 1.14 1.14 2.3|ONE_HOT 1.11|PACK 1.11 1.14 2.3 2.13|PAD 1.5 1.14 2.4 2.6
PADV2 1.9 1.14 2.4 2.6|POW 1.10|PRELU 1.8|QUANTIZE 1.14 1.15 2.7|RANDOM_STANDARD_NORMAL 2.8|RANDOM_UNIFORM 2.8
RANGE 1.13 2.14|RANK 1.14|READ_VARIABLE 2.6|REAL 2.5|REDUCE_ALL 2.6|REDUCE_ANY 1.11|REDUCE_MAX 1.11 1.14 2.5
REDUCE_MIN 1.11 1.14 2.5|REDUCE_PROD 1.11 2.6|REDUCE_WINDOW 2.15|RELU 1.5 2.1 2.5|RELU6 1.5 1.14 2.5|RELU_0_TO_1 2.10
RELU_N1_TO_1 1.5|RESHAPE 1.5|RESIZE_BILINEAR 1.7 1.14 2.2 2.5|RESIZE_NEAREST_NEIGHBOR 1.13.1 1.14 2.3 2.4
REVERSE_SEQUENCE 1.14|REVERSE_V2 1.14 2.2 2.5|RFFT2D 2.5|RIGHT_SHIFT 2.13|RNN 1.5 1.14 2.3|ROUND 1.14
RSQRT 1.10 2.5 2.15|SCATTER_ND 2.1|SEGMENT_SUM 2.2|SELECT 1.14 1.14 2.12 2.12|SELECT_V2 2.2 2.12|SHAPE 1.10
SIGN 2.11 2.12|SIN 1.9|SKIP_GRAM 1.5|SLICE 1.14 1.14 1.14 2.4 2.5 2.14|SOFTMAX 1.5 1.14 2.3
SPACE_TO_BATCH_ND 1.6 1.14 2.3 2.12|SPACE_TO_DEPTH 1.5 1.14|SPARSE_TO_DENSE 1.9 1.14 1.15|SPLIT 1.5 1.14 1.14 2.3
SPLIT_V 1.13.1 2.3|SQRT 1.10|SQUARE 1.12|SQUARED_DIFFERENCE 1.13.1 2.5|SQUEEZE 1.6 2.5|STABLEHLO_ADD 2.16
STABLEHLO_AND 2.17|STABLEHLO_CASE 2.17|STABLEHLO_CBRT 2.17|STABLEHLO_COMPOSITE 2.17|STABLEHLO_GATHER 2.16
STABLEHLO_MAXIMUM 2.16|STABLEHLO_MINIMUM 2.16|STABLEHLO_MULTIPLY 2.16|STABLEHLO_PAD 2.16|STABLEHLO_REDUCE_WINDOW 2.16
STABLEHLO_RNG_BIT_GENERATOR 2.15|STABLEHLO_SCATTER 2.15|STABLEHLO_SHIFT_LEFT 2.17
STRIDED_SLICE 1.6 1.14 2.1 2.2 2.5 2.6 2.14 2.14|SUB 1.6 1.14 2.3 2.4 2.4|SUM 1.10 1.15|SVDF 1.5 1.14 2.2 2.3
TANH 1.14 1.14 2.3|TILE 1.10.1 2.2 2.8|TOPK_V2 1.7 1.14 2.13|TRANSPOSE 1.6 1.14 1.15 2.3 2.4 2.12 2.15
TRANSPOSE_CONV 1.9 2.2 2.3 2.13 2.15|UNIDIRECTIONAL_SEQUENCE_LSTM 1.13.1 1.14 2.3 2.12
UNIDIRECTIONAL_SEQUENCE_RNN 1.14 1.14 2.3|UNIQUE 1.14|UNPACK 1.11 1.14 2.2 2.3|UNSORTED_SEGMENT_MAX 2.10
UNSORTED_SEGMENT_MIN 2.11|UNSORTED_SEGMENT_PROD 2.10|UNSORTED_SEGMENT_SUM 2.10|VAR_HANDLE 2.6|WHERE 1.14 2.8
WHILE 1.15|ZEROS_LIKE 1.12
"""
"""An operator and the releases in which its versions 1, 2, ... came."""

_ALL = {name: releases for name, *releases in (row.split() for row in _RELEASES.replace("\n", "|").split("|") if row)}
_BY_WEIGHTS = {
    ("CONV_2D", "int8", "int8"): 3,
    ("CONV_2D", "int8", "int4"): 7,
    ("CONV_2D", "int16", "int8"): 4,
    ("CONV_2D", "float32", "int8"): 2,
    ("DEPTHWISE_CONV_2D", "int8", "int8"): 3,
    ("DEPTHWISE_CONV_2D", "int8", "int4"): 7,
    ("DEPTHWISE_CONV_2D", "int16", "int8"): 5,
    ("DEPTHWISE_CONV_2D", "float32", "int8"): 4,
    ("EMBEDDING_LOOKUP", "int32", "int4"): 4,
    ("FULLY_CONNECTED", "int8", "int8"): 4,
    ("FULLY_CONNECTED", "int8", "int4"): 10,
    ("FULLY_CONNECTED", "int16", "int8"): 7,
    ("FULLY_CONNECTED", "int16", "int4"): 13,
    ("FULLY_CONNECTED", "float32", "int8"): 3,
}
_BY_CHANNEL = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "EMBEDDING_LOOKUP": 4, "FULLY_CONNECTED": 12}
"""Of weights with one scale a channel beside inputs that have none."""
_BY_TYPE_ROWS = """
int4 6 DEQUANTIZE
int4 7 GATHER TRANSPOSE
int8 2 ABS ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND CONCATENATION DEPTH_TO_SPACE DEQUANTIZE
int8 2 EQUAL EXP FLOOR_MOD GATHER GELU GREATER GREATER_EQUAL LESS LESS_EQUAL LOG LOGISTIC LOG_SOFTMAX MAXIMUM
int8 2 MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NOT_EQUAL PACK PAD PADV2 REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6
int8 2 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT_V
int8 2 SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TOPK_V2 TRANSPOSE UNPACK
int8 3 BROADCAST_TO CAST FLOOR_DIV REVERSE_V2 SVDF TILE
int16 2 EXP FLOOR_MOD LEAKY_RELU LOG REDUCE_PROD
int16 3 AVERAGE_POOL_2D BATCH_MATMUL BROADCAST_TO CONCATENATION DEQUANTIZE FLOOR_DIV GATHER_ND GREATER_EQUAL LESS
int16 3 LOGISTIC MAX_POOL_2D MEAN MIRROR_PAD PACK PAD PADV2 REDUCE_MAX REDUCE_MIN RELU RELU6 RSQRT SOFTMAX TANH TOPK_V2
int16 4 BATCH_TO_SPACE_ND DYNAMIC_UPDATE_SLICE EQUAL GATHER MAXIMUM MINIMUM MUL RESIZE_BILINEAR
int16 4 RESIZE_NEAREST_NEIGHBOR SLICE SPACE_TO_BATCH_ND UNPACK
int16 5 TRANSPOSE
int32 2 SIGN
int32 5 ABS
int64 2 RANGE
int64 4 ADD SUB
int64 5 MUL
float16 3 DEQUANTIZE DYNAMIC_UPDATE_SLICE
float16 5 CAST
bool 2 REVERSE_V2
bool 3 ARG_MAX ARG_MIN GATHER STRIDED_SLICE TRANSPOSE UNPACK
bool 5 GATHER_ND
"""
_BY_TYPE = {
    (name, dtype): int(version)
    for dtype, version, *names in map(str.split, _BY_TYPE_ROWS.split("\n")[1:-1])
    for name in names
}


def version_for(kind: str, dtype: str) -> int:
    """The version that an operator has whose first input is of a type."""
    return _BY_TYPE.get((kind, dtype), 1)


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
    if len(inputs) > 1 and op.type in _BY_CHANNEL and inputs[1].scales > 1 and not inputs[0].scales:
        return _BY_CHANNEL[op.type]
    if len(inputs) > 1 and (least := _BY_WEIGHTS.get((op.type, inputs[0].dtype, inputs[1].dtype))):
        return least
    return _BY_TYPE.get((op.type, inputs[0].dtype), 1)
