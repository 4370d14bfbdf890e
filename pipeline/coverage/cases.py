"""The corpora: ONNX's node tests and PyTorch's operators, made once for the versions that are installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters import content, registry
from converters.contract import Artifact, Format, Precision, signature_from_json
from converters.devices import cache
from converters.errors import UsageError
from converters.worker import WorkerPool
from pipeline.store import digest
from pipeline.task import code

BUILD_S = 1800.0
DATA = "data.npz"


@dataclass(frozen=True)
class Corpus:
    """Where small models of one source format come from: a function of a worker that writes them all.

    `counted` says which of them are cases, for a reader.
    """

    name: str
    title: str
    source: Format
    worker: str
    target: str
    code: tuple[str, ...]
    packages: tuple[str, ...]
    counted: str = ""


CORPORA = (
    Corpus(
        "onnx",
        "ONNX's node tests, as an exporter would write them, opset 17",
        Format.ONNX,
        "onnx",
        "converters.onnx.corpus:build",
        ("converters/onnx/corpus.py", "converters/nearness.py"),
        ("onnx", "onnxruntime", "numpy"),
        "Counted are the node tests of the onnx package named below, also those of later operators that come written "
        "out, which the version converter tells in opset 17, which take a float32 input (others become initializers) "
        "and in which ONNX Runtime gives what ONNX expects. Older packages hold fewer.",
    ),
    Corpus(
        "torch",
        "PyTorch's operators, as small modules",
        Format.TORCH,
        "torch",
        "converters.torch_export.corpus:build",
        ("converters/torch_export/corpus",),
        ("torch", "numpy"),
    ),
)


@dataclass(frozen=True)
class Case:
    """A small model, what it is given, and what it must give; `artifact` is none where no file format can hold that.

    `repeats` is written out as another case is, for another opset; `random` is of an operator that throws dice.
    """

    corpus: str
    name: str
    op: str
    folder: Path
    artifact: Artifact | None
    repeats: bool = False
    random: bool = False

    @property
    def data(self) -> Path:
        """The stacked inputs and outputs."""
        return self.folder / DATA


def corpus_of(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    found = {corpus.name: corpus for corpus in CORPORA}
    if name not in found:
        raise UsageError(f"no corpus is called {name!r}; there are {', '.join(found)}")
    return found[name]


def cases_of(corpus: Corpus, pool: WorkerPool, say: Callable[[str], None]) -> tuple[tuple[Case, ...], dict[str, Any]]:
    """Every case of a corpus, which is made first where it is not there; and what its index says beside them.

    Raises:
        UnavailableError: its toolkit is not installed.
    """

    def build(folder: Path) -> None:
        say(f"making the cases: {corpus.title}, once")
        pool.call(corpus.worker, corpus.target, BUILD_S, folder=folder)

    folder = cache.make(f"corpus-{corpus.name}", (key_of(corpus),), build, say, "coverage")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    rows = index.pop("cases")
    return tuple(_case(corpus, folder, row) for row in rows), index


def key_of(corpus: Corpus) -> str:
    """What a corpus depends on: its code, and the versions of what it is made with."""
    return digest([code(*corpus.code), [f"{name} {registry.version(name)}" for name in corpus.packages]])


def narrowed(cases: Sequence[Case], pattern: str) -> tuple[Case, ...]:
    """The cases whose name, or operator, a regular expression finds.

    Raises:
        UsageError: it is none, or finds nothing.
    """
    import re

    try:
        found = tuple(case for case in cases if re.search(pattern, case.name) or re.search(pattern, case.op))
    except re.error as error:
        raise UsageError(f"--case {pattern!r} is no regular expression: {error}") from error
    if not found:
        raise UsageError(f"--case {pattern!r} finds none of {len(cases)} cases; they are called as {cases[0].name}")
    return found


def _case(corpus: Corpus, folder: Path, row: dict[str, Any]) -> Case:
    place = folder / row["name"]
    artifact = None
    if "artifact" in row:
        artifact = Artifact.from_json({**row["artifact"], "path": place / Path(row["artifact"]["path"]).name})
    elif row["signature"]:
        signature = signature_from_json(row["signature"])
        path = place / "model.onnx"
        artifact = Artifact(
            path=path,
            format=corpus.source,
            precision=Precision.FP32,
            signature=signature,
            source=signature,
            model=row["name"],
            framework=corpus.name,
            sha256=content.sha256(path),
        )
    flags = {key: bool(row.get(key)) for key in ("repeats", "random")}
    return Case(corpus.name, row["name"], row["op"], place, artifact, **flags)
