"""Options that several verbs share, each described once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output and nothing else.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say every task and why it runs.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Workspace = Annotated[Path, typer.Option(help="Where results are kept between runs.")]
Configs = Annotated[Path | None, typer.Option(help="A folder whose files take the place of the project's configs/.")]
Gates = Annotated[Path | None, typer.Option(help="A TOML file laid over configs/gates.toml.")]

Inputs = Annotated[
    str,
    typer.Option(
        help="golden, random, or a .safetensors or .npz file.", show_default="golden in a bundle, else random"
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        help="What a builder takes, or the size of an input that a file leaves open, and the values that it takes: "
        "x:1x3x224x224:float32:0..1."
    ),
]

_COMMA = re.compile(r",(?![^\[]*\])")

DEFAULT_WORKSPACE = Path(".edge-export")
DEFAULT_OUT = Path("dist")


def words(values: list[str] | None) -> tuple[str, ...]:
    """Options given several times or with commas, as single words; commas inside brackets are part of a word."""
    return tuple(word.strip() for value in values or [] for word in _COMMA.split(value) if word.strip())
