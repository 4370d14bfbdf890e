from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("readme_results", ROOT / "scripts" / "readme_results.py")
readme_results = importlib.util.module_from_spec(spec)
spec.loader.exec_module(readme_results)


def test_the_table_replaces_the_old_one_and_nothing_else():
    text = f"before\n{readme_results.START}\nold\n{readme_results.END}\nafter\n"
    once = readme_results.with_results(text, "| new |\n", "make export TARGET=all")
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "| new |" in once
    assert "old" not in once
    assert readme_results.with_results(once, "| new |\n", "make export TARGET=all") == once


def test_the_readme_has_both_markers_in_order():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 0 < text.index(readme_results.START) < text.index(readme_results.END)


def test_the_readme_shows_float32_and_int8_and_says_how_many_more_there_are():
    rows = [f"| `m_torch_litert_{kind}.tflite` | 1 kB |" for kind in ("fp32", "fp16", "int8", "int8-io")]
    found = readme_results.shortened("\n".join(["- m", "| artifact |", "| --- |", *rows, "", "Runtimes: x.", ""]))
    assert found.splitlines()[:5] == ["- m", "| artifact |", "| --- |", rows[0], rows[2]]
    assert "Runtimes: x." in found
    assert "2 more artifacts" in found
