"""Every relative link in the documentation leads to a file, and every page of docs/ is linked from the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def relative_links(page: Path) -> list[str]:
    """The targets of links that lead into the repository."""
    return [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in relative_links(page) if not (page.parent / link).exists()]
    assert not broken, f"{page.name} links to {broken}, which do not exist"


def test_every_page_is_found_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in relative_links(ROOT / "README.md")}
    lost = [page.name for page in (ROOT / "docs").glob("*.md") if page.resolve() not in linked]
    assert not lost, f"README.md links to no {lost}: nobody will find them"


def test_make_and_verbs_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = set(re.findall(r"^make ([a-z-]+)", readme, flags=re.MULTILINE))
    assert {"export", "test"} <= asked
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in asked)
    first = re.findall(r"```sh\n(.*?)\n(.*?)\n", readme)[0]
    assert [line.split("#")[0].strip() for line in first] == ["make export TARGET=tflite", "make test"]
