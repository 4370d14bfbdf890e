"""Convolutions of one dimension by those of two, and the rest of what few toolchains take."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads


def conv(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """A 1-D convolution as a 2-D one of height 1."""
    given = attributes(node)
    if build.rank(node.input[0]) != 3:
        return None
    wide = _wide(given)
    x, w = build.unsqueeze(node.input[0], [2]), build.unsqueeze(node.input[1], [2])
    return [build.squeeze(build.op("Conv", x, w, *node.input[2:], **wide), [2])]


def conv_transpose(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Explicit borders instead of automatic ones, no holes in the kernel, and two dimensions instead of one."""
    given = attributes(node)
    rank = build.rank(node.input[0])
    spatial = rank - 2
    kernel = build.shape(node.input[1])[2:]
    strides = given.get("strides") or [1] * spatial
    dilations = given.get("dilations") or [1] * spatial
    auto, asked = given.get("auto_pad", "NOTSET"), given.get("output_shape")
    if rank != 3 and auto == "NOTSET" and not asked and set(dilations) == {1}:
        return None
    weights = node.input[1]
    if set(dilations) != {1}:
        weights = _with_holes(build, weights, kernel, dilations)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    extra = given.get("output_padding") or [0] * spatial
    pads = given.get("pads") or [0] * 2 * spatial
    sizes = build.shape(node.input[0])[2:]
    if asked or auto in ("SAME_UPPER", "SAME_LOWER"):
        goal = asked[-spatial:] if asked else [n * s for n, s in zip(sizes, strides, strict=True)]
        whole = [s * (n - 1) + o + r - g for s, n, o, r, g in zip(strides, sizes, extra, reach, goal, strict=True)]
        total = [max(0, each) for each in whole]
        extra = [o + max(0, -each) for o, each in zip(extra, whole, strict=True)]
        small, large = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = [*small, *large] if auto == "SAME_UPPER" else [*large, *small]
        if auto == "NOTSET":
            pads = [*large, *small]
    elif auto == "VALID":
        pads = [0] * 2 * spatial
    settled = {
        "kernel_shape": reach,
        "strides": list(strides),
        "pads": list(pads),
        "output_padding": list(extra),
        "group": given.get("group", 1),
    }
    if rank != 3:
        return [build.op("ConvTranspose", node.input[0], weights, *node.input[2:], **settled)]
    settled = _wide(settled)
    x, w = build.unsqueeze(node.input[0], [2]), build.unsqueeze(weights, [2])
    return [build.squeeze(build.op("ConvTranspose", x, w, *node.input[2:], **settled), [2])]


def _with_holes(build: Build, name: str, kernel: tuple[int, ...], dilations: list[int]) -> str:
    weights = build.need(name, "kernel")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    made = np.zeros((*weights.shape[:2], *reach), weights.dtype)
    made[(slice(None), slice(None), *(slice(None, None, d) for d in dilations))] = weights
    return build.constant(made)


def _wide(given: dict[str, object]) -> dict[str, object]:
    """The attributes of a 1-D window for a 2-D one of height 1."""
    made = dict(given)
    for name, fill in (("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("output_padding", 0)):
        values = given.get(name)
        if isinstance(values, list | tuple):
            made[name] = [fill, *values]
    pads = given.get("pads")
    if isinstance(pads, list | tuple):
        made["pads"] = [0, pads[0], 0, pads[1]]
    shape = given.get("output_shape")
    if isinstance(shape, list | tuple):
        made["output_shape"] = [1, *shape]
    return made


def gemm(build: Build, node: onnx.NodeProto) -> list[str]:
    """A product, scaled and added to."""
    given = attributes(node)
    a, b = node.input[0], node.input[1]
    x = build.transpose(a, [1, 0]) if given.get("transA", 0) else a
    y = build.transpose(b, [1, 0]) if given.get("transB", 0) else b
    made = build.op("MatMul", x, y)
    if given.get("alpha", 1.0) != 1.0:
        made = build.op("Mul", made, build.like(given["alpha"], a))
    c = reads(node, 2)
    if c:
        beta = given.get("beta", 1.0)
        made = build.op("Add", made, c if beta == 1.0 else build.op("Mul", c, build.like(beta, a)))
    return [made]


def determinant(build: Build, node: onnx.NodeProto) -> list[str]:
    """Laplace's expansion, for matrices of up to 4 x 4."""
    size = build.shape(node.input[0])[-1]
    if size > 4:
        raise LeaveError(f"a determinant of {size} x {size} is too long to write out")
    rank = build.rank(node.input[0])
    cells = [
        [build.gather(build.gather(node.input[0], row, rank - 2), column, rank - 2) for column in range(size)]
        for row in range(size)
    ]

    def expanded(rows: list[int], columns: list[int]) -> str:
        if len(rows) == 1:
            return cells[rows[0]][columns[0]]
        made = ""
        for place, column in enumerate(columns):
            rest = expanded(rows[1:], [c for c in columns if c != column])
            term = build.op("Mul", cells[rows[0]][column], rest)
            made = build.op("Sub" if place % 2 else "Add", made, term) if made else term
        return made

    made = expanded(list(range(size)), list(range(size)))
    return [made if size > 1 else build.op("Identity", made)]


def einsum(build: Build, node: onnx.NodeProto) -> list[str]:
    """One or two operands: diagonals and sums taken first, then one product of matrices, then the order asked for."""
    equation = attributes(node)["equation"].replace(" ", "")
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if "." in equation or len(terms) > 2 or any(len(set(term)) != len(term) for term in terms):
        raise LeaveError(f"an Einsum {equation!r} is not taken apart")
    if "->" not in equation:
        right = "".join(sorted(letter for letter in set("".join(terms)) if "".join(terms).count(letter) == 1))
    operands = []
    for name, term in zip(node.input, terms, strict=True):
        others = "".join(t for t in terms if t is not term) + right
        gone = [place for place, letter in enumerate(term) if letter not in others]
        made = build.reduce("ReduceSum", name, gone, 0) if gone else name
        operands.append((made, "".join(letter for place, letter in enumerate(term) if place not in gone)))
    if len(operands) == 1:
        made, term = operands[0]
        turned = build.transpose(made, [term.index(letter) for letter in right])
        return [turned if turned != node.input[0] else build.op("Identity", turned)]
    return [_product(build, node, operands, right)]


def _product(build: Build, node: onnx.NodeProto, operands: list[tuple[str, str]], right: str) -> str:
    (a, left), (b, term) = operands
    size = {
        letter: size
        for name, letters in zip(
            node.input, attributes(node)["equation"].replace(" ", "").split("->")[0].split(","), strict=True
        )
        for letter, size in zip(letters, build.shape(name), strict=True)
    }
    batch = [letter for letter in left if letter in term and letter in right]
    inner = [letter for letter in left if letter in term and letter not in right]
    rows = [letter for letter in left if letter not in term]
    columns = [letter for letter in term if letter not in left]

    def grouped(name: str, letters: str, order: list[list[str]]) -> str:
        turned = build.transpose(name, [letters.index(letter) for group in order for letter in group])
        return build.reshape(
            turned, [*(size[x] for x in order[0]), *(int(np.prod([size[x] for x in g])) for g in order[1:])]
        )

    made = build.op("MatMul", grouped(a, left, [batch, rows, inner]), grouped(b, term, [batch, inner, columns]))
    found = [*batch, *rows, *columns]
    made = build.reshape(made, [size[letter] for letter in found])
    return build.transpose(made, [found.index(letter) for letter in right])
