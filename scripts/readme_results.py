"""Puts the results of a bundle into the README, between its two markers: `make readme`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.report.again import again

START, END = "<!-- results -->", "<!-- end of results -->"
README = Path(__file__).resolve().parent.parent / "README.md"


def with_results(text: str, table: str, command: str) -> str:
    """The README's text with the table in the place of the old one."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return f"{head}{START}\n\nMade by `{command}`:\n\n{table}\n{END}{tail}"


def main() -> None:
    """`readme_results.py BUNDLE COMMAND`."""
    bundle, command = Path(sys.argv[1]), sys.argv[2]
    README.write_text(
        with_results(README.read_text(encoding="utf-8"), again(bundle, "table"), command), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
