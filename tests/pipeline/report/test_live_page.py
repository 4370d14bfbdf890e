from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import flat_models
import numpy as np
import pytest
import sample_bundle
import sample_report
from conftest import USER_CACHE

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.devices import browser, cache
from converters.devices.chromium import Chromium, Page
from converters.devices.local_server import LocalServer
from converters.errors import ModelError, UnavailableError, UsageError, WorkspaceError
from pipeline import golden
from pipeline.bundle import image_rules, open_bundle, write_bundle
from pipeline.checks.gates import to_toml
from pipeline.configs import load_configs
from pipeline.report import live_page

SOURCE = Signature(
    (TensorSpec("image", (1, 1, 8, 6), "float32", "NCHW", meaning="image"),),
    (TensorSpec("logits", (1, 3), "float32", "NC", meaning="logits"),),
)
WEIGHTS = np.random.default_rng(0).normal(size=(3, 48)).astype(np.float32)
LABELS = ("bag", "<b>boot</b>", "模型")


def bundled(made: Artifact, precision: str) -> Artifact:
    """A file as an artifact of the sample model."""
    own = Signature(
        (dataclasses.replace(made.signature.inputs[0], name="image", layout="NHWC", meaning="image"),),
        (dataclasses.replace(made.signature.outputs[0], name="logits", layout="NC", meaning="logits"),),
    )
    return sample_bundle.artifact(made.path, precision, own, source=SOURCE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A right file, one with a lost weight, and one that LiteRT.js does not take; with golden inputs."""
    folder = tmp_path_factory.mktemp("parts")
    lost = WEIGHTS.copy()
    lost[1, 20] = 0
    eight = flat_models.Graph(
        [flat_models.T("in", (1, 8, 6, 1), "int8", scale=1.0), flat_models.T("out", (1, 3), "int8", scale=1.0)],
        [flat_models.Op("Guess", ("in",), ("out",))],
        ("in",),
        ("out",),
        {"in": "image", "out": "logits"},
    )
    artifacts = [
        bundled(flat_models.classifier(folder / "right.tflite", WEIGHTS), "fp32"),
        bundled(flat_models.classifier(folder / "lost.tflite", lost), "fp16"),
        bundled(flat_models.save(folder / "eight.tflite", eight), "int8-io"),
    ]
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (40, 1, 1, 8, 6)).astype(np.float32)
    scores = (images.reshape(40, 48) @ WEIGHTS.T).reshape(40, 1, 3)
    chosen = golden.Chosen({"image": images}, scores.argmax(-1)[:, 0].astype(np.int64), np.arange(40))
    source = Artifact(folder / "m", Format.TORCH, Precision.FP32, SOURCE, SOURCE, "fashion-cnn", "torch")
    golden.write(folder / "golden.safetensors", chosen, {"logits": scores}, source)
    (folder / "gates.toml").write_text(to_toml(load_configs(None, None)[1]))
    report = dataclasses.replace(sample_bundle.report_on(artifacts), artifacts=sample_report.passed().artifacts)
    contents = sample_bundle.contents(folder / "sample")
    made = dataclasses.replace(
        contents, artifacts=artifacts, golden={"torch": folder / "golden.safetensors"}, labels=LABELS,
        gates=folder / "gates.toml", report=report, preprocessing={"image": image_rules(SOURCE.inputs[0], "A note.")},
    )  # fmt: skip
    return write_bundle(made, folder / "dist" / "bundle")


@pytest.fixture
def installed(user_cache: Path, not_run: Callable[[str], NoReturn]) -> Path:
    if (folder := browser.litert_folder()) is None:
        not_run(f"needs LiteRT.js: {browser.INSTALL}")
    return folder


@pytest.fixture(scope="module")
def chromium(needs_chromium: Path) -> Iterator[Chromium]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(USER_CACHE))
        started = Chromium(needs_chromium, browser.SOFTWARE_FLAGS)
    yield started
    started.close()


def shown(chromium: Chromium, address: str) -> Page:
    page = chromium.page(address)
    page.send("Emulation.setDeviceMetricsOverride", width=900, height=1400, deviceScaleFactor=1, mobile=False)
    return page


def until(page: Page, expression: str, seconds: float = 40.0) -> object:
    """The first value of an expression that is not null or empty."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := page.evaluate(expression):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{expression} stayed empty; the page says {page.evaluate('document.body.innerText')!r}")


def outcomes(page: Page) -> dict[str, str]:
    found = json.loads(str(until(page, "document.documentElement.dataset.done")))
    return {name.rpartition("_")[2].partition(".")[0]: outcome for name, outcome in found.items()}


@pytest.fixture
def page(bundle: Path, installed: Path, chromium: Chromium) -> Iterator[Page]:
    server = live_page.serve(bundle)
    opened = shown(chromium, f"{server.address}/report/live.html")
    yield opened
    opened.close()
    server.close()


def test_every_file_is_judged_where_it_is_read(page: Page) -> None:
    assert outcomes(page) == {"fp32": "PASSED", "fp16": "FAILED", "int8-io": "UNSUPPORTED"}
    text = str(page.evaluate("document.body.innerText"))
    assert "1 of 3 files pass their gates here, 1 fail, 1 cannot be run by LiteRT.js." in text
    assert "output logits: max_rel_range" in text
    assert "Element type INT8 is not supported. LiteRT.js takes float32, int32 and uint8" in text
    assert page.evaluate("document.title") == "fashion-cnn in this browser"


def test_the_same_on_webgpu(page: Page) -> None:
    outcomes(page)
    if page.evaluate("document.getElementById('webgpu').disabled"):
        pytest.fail("this Chromium offers no WebGPU adapter, though its own software one comes with it")
    page.evaluate("delete document.documentElement.dataset.done; document.getElementById('webgpu').click()")
    assert outcomes(page) == {"fp32": "PASSED", "fp16": "FAILED", "int8-io": "UNSUPPORTED"}


def test_a_golden_sample_is_answered_with_its_label(page: Page) -> None:
    outcomes(page)
    truth = str(
        until(page, "document.getElementById('answer').children.length && document.getElementById('truth').innerText")
    )
    label = truth.partition(": ")[2]
    assert label in LABELS
    assert page.evaluate("document.querySelector('#answer .top .label').innerText") == label
    assert page.evaluate("document.getElementById('rules').innerText") == "The model sees 6 × 8 pixels, grey. A note."


def test_a_drawing_is_answered(page: Page) -> None:
    outcomes(page)
    until(page, "document.getElementById('answer').children.length")
    page.evaluate("document.getElementById('clear').click()")
    assert page.evaluate("document.getElementById('answer').children.length") == 0
    box = page.evaluate("(({x, y, width}) => [x, y, width])(document.getElementById('canvas').getBoundingClientRect())")
    for kind, share in (("mousePressed", 0.2), ("mouseMoved", 0.5), ("mouseMoved", 0.8), ("mouseReleased", 0.8)):
        place = {"x": box[0] + share * box[2], "y": box[1] + share * box[2]}
        page.send("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **place)
    until(page, "document.getElementById('answer').children.length")
    drawn = page.evaluate(
        "Array.from(document.getElementById('canvas').getContext('2d').getImageData(168, 168, 1, 1).data)"
    )
    assert drawn == [255, 255, 255, 255]
    shares = page.evaluate("[...document.querySelectorAll('#answer .percent')].map((one) => parseFloat(one.innerText))")
    assert sum(shares) == pytest.approx(100, abs=0.3)


def test_a_picture_that_is_chosen_is_answered(page: Page, tmp_path: Path) -> None:
    from PIL import Image

    outcomes(page)
    Image.new("RGB", (30, 20), (200, 10, 10)).save(tmp_path / "red.png")
    (tmp_path / "no.png").write_text("no picture")
    (node,) = (page.send("DOM.getDocument", depth=-1)["root"],)
    file = page.send("DOM.querySelector", nodeId=node["nodeId"], selector="#file")["nodeId"]
    page.send("DOM.setFileInputFiles", nodeId=file, files=[str(tmp_path / "red.png")])
    until(page, "document.getElementById('truth').innerText === 'red.png'")
    until(page, "document.getElementById('answer').children.length")
    page.send("DOM.setFileInputFiles", nodeId=file, files=[str(tmp_path / "no.png")])
    until(page, "document.getElementById('truth').innerText.includes('no picture that this browser reads')")


def test_from_a_file_one_line_says_how_to_serve(bundle: Path, chromium: Chromium) -> None:
    opened = shown(chromium, (bundle / "report/live.html").as_uri())
    text = str(opened.evaluate("document.body.innerText"))
    assert (
        "Opened as a file, a page may not read the files beside it. Serve the bundle: edge-export report . --serve"
        in text
    )
    assert "Loading" not in text
    opened.close()


def test_without_litert_the_page_says_what_brings_it(
    bundle: Path, chromium: Chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    server = live_page.serve(bundle)
    opened = shown(chromium, f"{server.address}/report/live.html")
    said = until(opened, "document.getElementById('status').innerText.includes('LiteRT') && document.body.innerText")
    assert "LiteRT.js is not beside this page" in str(said)
    assert "edge-export devices install browser" in str(said)
    opened.close()
    server.close()


@pytest.mark.parametrize("harm", ["manifest.json", "gates.toml", "golden/torch.safetensors"])
def test_a_damaged_bundle_is_said(harm: str, bundle: Path, installed: Path, chromium: Chromium, tmp_path: Path) -> None:
    folder = shutil.copytree(bundle, tmp_path / "bundle")
    (folder / harm).write_bytes((folder / harm).read_bytes()[:100])
    server = live_page.serve(folder)
    opened = shown(chromium, f"{server.address}/report/live.html")
    if harm.startswith("golden"):
        assert set(outcomes(opened).values()) == {"UNSUPPORTED"}
    else:
        until(opened, "document.getElementById('status').innerText.startsWith('The bundle cannot be read')")
    opened.close()
    server.close()


def test_an_exported_folder_runs_on_a_plain_server(
    bundle: Path, installed: Path, chromium: Chromium, tmp_path: Path
) -> None:
    said: list[str] = []
    out = live_page.export(bundle, tmp_path / "site", said.append)
    assert "can be put on any web server" in said[0]
    assert sum(path.stat().st_size for path in out.rglob("*")) < 40e6
    server = LocalServer({"": out})
    opened = shown(chromium, f"{server.address}/report/live.html")
    assert outcomes(opened)["fp32"] == "PASSED"
    opened.close()
    server.close()
    with pytest.raises(WorkspaceError, match=r"exists and is not an empty folder"):
        live_page.export(bundle, out)


def test_what_cannot_be_served_or_exported(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    with pytest.raises(UnavailableError, match=r"LiteRT.js 2.5.3 is not installed here"):
        live_page.export(bundle, tmp_path / "site")
    with pytest.raises(ModelError, match=r"no report in"):
        live_page.serve(tmp_path)
    lone = tmp_path / "lone/report/report.json"
    lone.parent.mkdir(parents=True)
    shutil.copyfile(bundle / "report/report.json", lone)
    with pytest.raises(ModelError, match=r"report without its bundle"):
        live_page.serve(lone)
    server = live_page.serve(bundle)
    with pytest.raises(UsageError, match=rf"port {server.port} cannot be served: .*in use"):
        live_page.serve(bundle, server.port)
    server.close()


def test_the_page_is_whole_and_its_policy_fits(bundle: Path) -> None:
    html = (bundle / "report/live.html").read_text(encoding="utf-8")
    for name in re.findall(r'(?:src|href)="(live/[^"]+)"', html):
        assert (bundle / "report" / name).is_file(), name
    imports = re.search(r'<script type="importmap">(.*?)</script>', html)
    assert imports
    digest = base64.b64encode(hashlib.sha256(imports[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in html
    names = {
        name
        for path in (bundle / "report/live").glob("*.js")
        for name in re.findall(r'from "\./([^"]+)"', path.read_text())
    }
    assert names <= {path.name for path in (bundle / "report/live").iterdir()}
    assert not (bundle / "report/live/litert").exists()
    assert sum(path.stat().st_size for path in (bundle / "report/live").iterdir()) < 100_000
    open_bundle(bundle)
    assert 'href="live.html"' in (bundle / "report/report.html").read_text(encoding="utf-8")
