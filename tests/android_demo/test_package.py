"""`make apk`, built for real once: what it makes, how it fails, and that the same sources give the same bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sample_bundle

from android_demo.packaging import archive, prove
from android_demo.packaging.archive import Content
from pipeline import __version__
from pipeline.bundle import write_bundle

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("java", "javac", "keytool", "mvn", "aapt", "aapt2", "zipalign", "apksigner", "dexdump", "flock")
FIRST_BUILD_S = 900
"""The first one on a machine downloads 300 MB."""


def package(out: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OUT": str(out), "PYTHON": sys.executable, **variables}
    command = ["bash", str(ROOT / "android_demo/package.sh")]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=FIRST_BUILD_S, check=False, cwd=out.parent
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, not_run) -> Path:
    """The folder of both APKs, with a bundle inside."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        not_run(f"needs {', '.join(missing)}: make setup-android")
    folder = tmp_path_factory.mktemp("apk")
    bundle = write_bundle(sample_bundle.contents(folder / "store"), folder / "bundles")
    done = package(folder / "out", BUNDLE=str(bundle), KEYSTORE=str(folder / "debug.keystore"))
    if done.returncode and "Maven Central was not reached" in done.stderr:
        not_run("needs Maven Central once: the first build downloads 300 MB")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def apk(built: Path, abi: str = "arm64-v8a") -> Path:
    return built / f"edge-export-demo-{__version__}-{abi}.apk"


def rewritten(source: Path, target: Path, aligns: dict[str, int]) -> Path:
    """The APK written anew without its signature, with other alignments for some of its entries."""
    with zipfile.ZipFile(source) as opened:
        places = {entry.name: entry for entry in archive.entries(source)}
        contents = [
            Content(name, opened.read(name), aligns.get(name, 4 if places[name].stored else 0)) for name in places
        ]
    archive.write(target, contents)
    return target


def test_an_apk_for_each_abi_and_nothing_else_is_left(built: Path):
    assert sorted(path.name for path in built.iterdir()) == [apk(built).name, apk(built, "x86_64").name]
    assert not list((ROOT / "build/android").glob("unsigned-*"))


@pytest.mark.parametrize("abi", ["arm64-v8a", "x86_64"])
def test_every_rule_is_kept(built: Path, abi: str, capsys: pytest.CaptureFixture[str]):
    assert prove.main([str(apk(built, abi))]) == 0, capsys.readouterr().out
    assert f"libraries for {abi}" in capsys.readouterr().out


def test_the_bundle_is_inside_as_it_was(built: Path):
    bundle = next(path for path in (built.parent / "bundles").parent.rglob("manifest.json")).parent
    with zipfile.ZipFile(apk(built)) as opened:
        for path in (path for path in bundle.rglob("*") if path.is_file()):
            assert opened.read(f"assets/bundle/{path.relative_to(bundle).as_posix()}") == path.read_bytes()


def test_both_abis_share_code_and_resources(built: Path):
    def shared(abi: str) -> dict[str, int]:
        with zipfile.ZipFile(apk(built, abi)) as opened:
            return {info.filename: info.CRC for info in opened.infolist() if not info.filename.startswith("lib/")}

    assert shared("arm64-v8a") == shared("x86_64")


def test_faults_in_the_real_file_are_seen(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    library, model = "lib/arm64-v8a/libjnitensorflowlite.so", "assets/bundle/fashion-cnn_torch_litert_fp32.tflite"
    assert prove.main([str(rewritten(apk(built), tmp_path / "a.apk", {library: 4, model: 0}))]) == 1
    said = capsys.readouterr().out
    assert re.search(r"FAILED  pages +libjnitensorflowlite\.so lies in the APK at byte \d+, no multiple of 16384", said)
    assert f"{model} is compressed" in said
    assert "apksigner: " in said  # the signature is gone


def test_a_changed_bundle_stops_the_build_and_the_old_apk_stays(built: Path, tmp_path: Path):
    before = apk(built).read_bytes()
    bundle = write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "bundles")
    next(bundle.glob("*.tflite")).write_bytes(b"changed")
    done = package(built, BUNDLE=str(bundle), ABI="arm64-v8a", KEYSTORE=str(built.parent / "debug.keystore"))
    assert done.returncode == 1
    assert re.search(r"\[apk\] .*\.tflite", done.stderr)
    assert f"BUNDLE={bundle} cannot be packed" in done.stderr
    assert apk(built).read_bytes() == before


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ABI": "mips"}, "ABI=mips cannot be built: there are arm64-v8a and x86_64"),
        ({"BUNDLE": "nowhere"}, "BUNDLE=nowhere cannot be packed"),
    ],
)
def test_what_cannot_be_asked_for_is_said_at_once(built: Path, tmp_path: Path, variables: dict[str, str], words: str):
    done = package(tmp_path / "out", **variables)
    assert done.returncode == 1
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_missing_tools_are_listed_with_what_brings_them(tmp_path: Path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("bash", "dirname", "java", "javac", "mvn"):
        (folder / tool).write_text("#!/bin/sh\n")
        (folder / tool).chmod(0o755)
    for tool in ("bash", "dirname"):
        (folder / tool).unlink()
        (folder / tool).symlink_to(shutil.which(tool) or "")
    done = package(tmp_path / "out", PATH=str(folder))
    assert done.returncode == 1
    assert (
        "[apk] missing: keytool aapt aapt2 zipalign apksigner dexdump flock; to have them: make setup-android"
        in done.stderr
    )


def test_a_jdk_that_is_too_old_is_named(built: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/javac").write_text("#!/bin/sh\necho javac 11.0.2\n")
    (tmp_path / "bin/javac").chmod(0o755)
    done = package(tmp_path / "out", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert "JDK 17 or newer is needed, javac is of 11" in done.stderr


def test_without_a_network_the_first_build_says_what_it_needs(built: Path, tmp_path: Path):
    nowhere = f"-Dmaven.repo.local={tmp_path / 'empty'} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9"
    done = package(tmp_path / "out", MAVEN_OPTS=nowhere)
    assert done.returncode == 1
    assert "Maven Central was not reached: the first build downloads about 300 MB" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_a_maven_that_does_not_start_is_quoted(built: Path, tmp_path: Path):
    done = package(tmp_path / "out", JAVA_HOME=str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "The JAVA_HOME environment variable is not defined correctly" in done.stderr
    assert "[apk] Maven failed" in done.stderr


@pytest.mark.slow
def test_two_builds_of_two_checkouts_give_the_same_bytes_but_the_signature(built: Path, tmp_path: Path):
    """Another folder, another key, all of it compiled anew."""
    clone = tmp_path / "elsewhere" / "sources"
    clone.mkdir(parents=True)
    names = ("android_demo", "pipeline", "converters", "configs")
    for name in names:
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("target", "__pycache__"))
    bundle = next((built.parent).rglob("manifest.json")).parent
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(clone),
        "BUNDLE": str(bundle),
        "KEYSTORE": str(tmp_path / "other.keystore"),
    }
    done = subprocess.run(
        ["bash", "android_demo/package.sh"], cwd=clone, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for abi in ("arm64-v8a", "x86_64"):
        here, there = apk(built, abi), apk(clone / "dist/android", abi)
        assert here.read_bytes() != there.read_bytes()
        assert archive.unsigned(here) == archive.unsigned(there)
