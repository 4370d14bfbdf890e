"""The demo app's own tests: every screen under Robolectric, used as a person does, with real inference."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APP = ROOT / "android_demo/app"
REPORTS = APP / "target/surefire-reports"
PICTURES = ROOT / "docs/android"
FIRST_RUN_S = 900
"""The first one on a machine downloads 500 MB."""


def test_every_test_of_the_app_passes(not_run):
    if missing := [tool for tool in ("java", "mvn", "aapt2", "flock") if not shutil.which(tool)]:
        not_run(f"needs {', '.join(missing)}: make setup-android")
    shutil.rmtree(REPORTS, ignore_errors=True)
    lock = ROOT / "build/android/lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    maven = ["mvn", "-q", "-B", "-f", str(ROOT / "android_demo/pom.xml"), "-pl", "app", "-am", "verify"]
    only = ["-Dtest=dev.edgeexport.demo.*Test", "-Dsurefire.failIfNoSpecifiedTests=false"]
    done = subprocess.run(
        ["flock", str(lock), *maven, *only], capture_output=True, text=True, timeout=FIRST_RUN_S, check=False
    )
    said = done.stdout + done.stderr
    if done.returncode and re.search("Could not transfer|Unknown host|offline mode", said):
        not_run("needs Maven Central once: the first run downloads 500 MB")
    assert done.returncode == 0, said[-6000:]
    sources = list((APP / "src/test/kotlin/dev/edgeexport/demo").glob("*Test.kt"))
    expected = {path.stem for path in sources if path.stem != "AppTest"}
    ran = {path.stem.rsplit(".", 1)[-1] for path in REPORTS.glob("TEST-*.xml")}
    assert len(expected) > 10
    assert expected <= ran


@pytest.mark.parametrize("picture", sorted(path.name for path in PICTURES.glob("*.png")))
def test_pictures_are_small(picture: str):
    data = (PICTURES / picture).read_bytes()
    assert len(data) < 100_000
    width, height = struct.unpack(">II", data[16:24])
    assert min(width, height) >= 600


def test_the_readme_shows_every_screen():
    readme = (ROOT / "android_demo/README.md").read_text(encoding="utf-8")
    screens = re.findall(
        r"class (\w+)Activity\b.*: Screen\(\)",
        "".join(path.read_text(encoding="utf-8") for path in (APP / "src/main/kotlin").rglob("*Activity.kt")),
    )
    assert sorted(screens) == ["Benchmark", "Cell", "Classify", "Home", "SelfCheck"]
    for screen in screens:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", screen).lower()
        assert f"../docs/android/{name}.png" in readme
        assert (PICTURES / f"{name}.png").is_file()


def test_the_app_asks_for_no_permission():
    manifest = (APP / "src/main/AndroidManifest.xml").read_text(encoding="utf-8")
    assert "uses-permission" not in manifest


def test_lines_of_the_sources_keep_within_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)}"
        for path in (ROOT / "android_demo").glob("*/src/main/**/*.kt")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert not long, "\n".join(long)
