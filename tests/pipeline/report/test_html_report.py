from __future__ import annotations

import dataclasses
import re
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sample_report

from pipeline.checks.outcome import Check, Outcome
from pipeline.report import html_report
from pipeline.report.document import Report
from pipeline.report.marks import MARKS

VOID = {"meta", "input", "img", "br", "line", "circle", "rect"}
STYLE = Path(html_report.__file__).parent / "templates" / "style.css"


class Page(HTMLParser):
    """The tags of a page, checked to be closed in order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def html() -> str:
    return html_report.render(sample_report.report())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_whole(page: Page) -> None:
    text = " ".join("".join(page.text).split())
    assert "21 of 40 cells passed, 1 crashed, 1 timed out, 3 failed" in text
    assert "accuracy: the drop of 3.10 points is above the 0.5 allowed" in text
    assert sample_report.NO_DEVICE in text
    assert "Honest int8 kernels differ by up to 35 dB" in text
    assert "edge-export run fashion-cnn --target all" in text
    assert "ab12" * 16 in text
    for mark in MARKS.values():
        assert mark.symbol in text


def test_every_cell_has_its_details_and_every_link_its_end(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if name and name.startswith("cell-")] == [f"cell-{n}" for n in range(1, 41)]
    links = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert {f"#{name}" for name in ids} >= links
    assert {f"#cell-{n}" for n in range(1, 41)} <= links


def test_layers_of_a_file_with_suspects_are_open_and_those_that_passed_folded(html: str, page: Page) -> None:
    section = html[html.index('<section id="layers">') : html.index('<section id="flips">')]
    assert section.count('<details class="card layers" open>') == 1
    assert section.count('<details class="card layers">') == 2
    assert section.index("fashion-cnn_torch_litert_int8.tflite") < section.index("fashion-cnn_tensorflow")
    assert section.count('<tr class="suspect">') == 2
    assert "<td>-128</td><td>-127</td>" in section
    assert "2 operators that only change the number type are not listed." in section
    assert 'id="layers"' not in html_report.render(sample_report.passed())


def test_hostile_text_stays_text(html: str, page: Page) -> None:
    assert "<script>alert" not in html
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "&lt;script&gt;alert(&#39;owned&#39;)&lt;/script&gt;" in html
    for attribute in (key for _, attrs in page.tags for key in attrs):
        assert not attribute.startswith("on")
        assert attribute != "style"


def test_control_characters_are_gone(html: str) -> None:
    assert re.search("[\x00-\x08\x0b-\x1f\x7f]", html) is None


def test_the_page_asks_for_nothing(html: str, page: Page) -> None:
    assert re.search(r"(?i)https?:|//[a-z]|@import|url\(", re.sub(r'base64,[^"]*', "", html)) is None
    (policy,) = [attrs["content"] or "" for tag, attrs in page.tags if attrs.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    sources = [attrs["src"] or "" for tag, attrs in page.tags if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_tables_and_pictures_are_described(page: Page) -> None:
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.tags if tag == "th")
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for tag, attrs in page.tags if tag == "svg")


def test_every_outcome_is_a_word_in_the_matrix(html: str) -> None:
    matrix = html[html.index('<section id="matrix">') : html.index('<dl class="legend">')]
    cells = re.findall(r'<a class="cell".*?</a>', matrix, re.DOTALL)
    assert len(cells) == 40
    for outcome in Outcome:
        assert (
            sum(f"{MARKS[outcome].symbol}</span> {outcome}<" in cell for cell in cells)
            == (sample_report.report().counts[outcome])
        )


def test_what_did_not_run_is_never_green() -> None:
    cell = sample_report.passed().cells[0]
    skipped = dataclasses.replace(cell, checks=(Check("run", Outcome.NOT_RUN, ("no device",)),))
    html = html_report.render(dataclasses.replace(sample_report.passed(), cells=(cell, skipped)))
    assert 'class="verdict idle"' in html
    assert 'class="verdict good"' not in html


@pytest.mark.parametrize(("report", "tone"), [(sample_report.passed(), "good"), (sample_report.empty(), "bad")])
def test_other_reports_render(report: Report, tone: str) -> None:
    html = html_report.render(report)
    Page(html)
    assert f'class="verdict {tone}"' in html


def test_two_hundred_cells_stay_usable() -> None:
    report = sample_report.report()
    many = tuple(
        dataclasses.replace(cell, runtime=f"{cell.runtime}-{copy}") for copy in range(5) for cell in report.cells
    )
    html = html_report.render(dataclasses.replace(report, cells=many))
    assert len(html) < 2_000_000
    assert html.count('<details class="card"') == 200
    assert "<details open" not in html


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["text", "quiet", "link", "good", "bad", "idle"])
@pytest.mark.parametrize("paper", ["page", "card", "good-page", "bad-page", "idle-page"])
def test_contrast(theme: int, ink: str, paper: str) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)[theme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    ratio = (light + 0.05) / (dark + 0.05)
    assert ratio >= 4.5, f"--{ink} on --{paper}: {ratio:.2f}, WCAG AA wants 4.5"


MEASURE = """<script>
document.querySelectorAll("details").forEach((one) => { one.open = true; });
const wide = [...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll, nav, .command, svg") &&
  one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !one.matches(".skip"));
parent.document.documentElement.dataset.measured = [innerWidth, document.documentElement.scrollWidth,
  wide.slice(0, 5).map((one) => one.tagName + "." + one.className).join(" ")].join("|");
</script>"""


def in_chromium(chromium: Path, folder: Path, html: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    command = [str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, timeout=120, check=True)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_overflows_sideways(needs_chromium: Path, tmp_path: Path, html: str, width: int) -> None:
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    measured = escape(bare.replace("</body>", f"{MEASURE}</body>"))
    # Chromium's own window is never narrower than 500 pixels; a frame is.
    frame = f'<!doctype html><iframe width="{width}" height="2000" style="border:0" srcdoc="{measured}"></iframe>'
    done = in_chromium(needs_chromium, tmp_path, frame, "--window-size=1400,2100", "--dump-dom")
    found = re.search(r'data-measured="([^"]*)"', done.stdout.decode())
    assert found, done.stderr.decode()[-500:]
    inner, scroll, wide = found[1].split("|")
    assert int(inner) == width
    assert (int(scroll), wide) == (width, ""), f"wider than the window: {wide}"


@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_the_page_is_drawn_in_its_theme(needs_chromium: Path, tmp_path: Path, html: str, scheme: int) -> None:
    from PIL import Image

    shot = tmp_path / "shot.png"
    theme = f"--blink-settings=preferredColorScheme={scheme}"
    in_chromium(needs_chromium, tmp_path, html, f"--screenshot={shot}", "--window-size=360,900", theme)
    picture = Image.open(shot).convert("RGB")
    assert picture.size == (360, 900)
    assert picture.getpixel((2, 2)) == ((16, 19, 22), (255, 255, 255))[scheme]
    assert len(picture.getcolors(100_000) or []) > 50


def test_the_policy_lets_our_own_script_run(needs_chromium: Path, tmp_path: Path, html: str) -> None:
    done = in_chromium(needs_chromium, tmp_path, html, "--dump-dom")
    dom = done.stdout.decode()
    assert '<p class="tools">' in dom, "the script did not run: its hash is not the policy's"
    assert '<p class="tools" hidden' in html
