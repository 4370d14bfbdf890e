"""Puts the results of a bundle into docs/results.md, and a choice of them into the README: `make readme`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pipeline.report.again import again

START, END = "<!-- results -->", "<!-- end of results -->"
ROOT = Path(__file__).resolve().parent.parent
README, WHOLE = ROOT / "README.md", ROOT / "docs" / "results.md"
_ARTIFACT = re.compile(r"^\| `\S+_([a-z0-9-]+)\.[a-z0-9]+` \|")
_SHOWN = ("fp32", "int8")


def with_results(text: str, table: str, command: str) -> str:
    """The text with the table between its two markers, in the place of the old one."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return f"{head}{START}\n\nMade by `{command}`:\n\n{table}\n{END}{tail}"


def shortened(table: str) -> str:
    """The table with the artifacts in float32 and in int8 only, and a line that says where the others are."""
    lines = table.splitlines()
    found = {line: match.group(1) for line in lines if (match := _ARTIFACT.match(line))}
    kept = [line for line in lines if found.get(line, _SHOWN[0]) in _SHOWN]
    rest = sum(precision not in _SHOWN for precision in found.values())
    more = f"In other precisions, {rest} more artifacts, each with its verdict: [all results](docs/results.md)."
    return "\n".join([*kept, "", more, ""])


def main() -> None:
    """`readme_results.py BUNDLE COMMAND`."""
    bundle, command = Path(sys.argv[1]), sys.argv[2]
    table = again(bundle, "table")
    for path, part in ((WHOLE, table), (README, shortened(table))):
        path.write_text(with_results(path.read_text(encoding="utf-8"), part, command), encoding="utf-8")


if __name__ == "__main__":
    main()
