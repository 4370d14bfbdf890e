from __future__ import annotations

import json
import stat
from pathlib import Path

import app_bundle
import pytest

from converters import registry
from converters.android import jvm
from converters.errors import DataError, ModelError, ToolkitCrash, ToolkitTimeout, UnavailableError, UnsupportedError
from pipeline.report import json_report


def fake_java(folder: Path, script: str) -> Path:
    """A `java` of another behaviour in a JAVA_HOME."""
    path = folder / "jdk/bin/java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder / "jdk"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a built program."""
    folder = tmp_path / "program"
    (folder / "lib").mkdir(parents=True)
    (folder / jvm.JAR).write_bytes(b"jar")
    monkeypatch.setenv(jvm.VARIABLE, str(folder))
    return folder


def test_the_jvm_is_a_device_that_stands_in_for_a_phone(app_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jvm.VARIABLE, str(app_program))
    (device,) = jvm.devices()
    assert (device.name, device.missing, device.emulated) == ("JVM", "", True)
    assert "Java" in device.version
    assert [spec.name for spec in registry.expand(registry.runtime("android-jvm"))] == ["android-jvm[JVM]"]


def test_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (device,) = jvm.devices()
    assert device.missing == "no Java was found on PATH or in JAVA_HOME"
    assert device.remedy == "install a JDK of 17 or newer"


def test_an_old_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, "echo 'java version \"1.8.0_402\"' >&2")))
    (device,) = jvm.devices()
    assert device.missing.endswith("java is Java 8")


def test_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, "echo 'openjdk version \"21\"' >&2")))
    monkeypatch.setenv(jvm.VARIABLE, str(tmp_path))
    (device,) = jvm.devices()
    assert device.missing == f"{jvm.VARIABLE} names {tmp_path}, which holds no {jvm.JAR}"
    assert "make android-jvm" in device.remedy
    with pytest.raises(UnavailableError, match="to have it: make android-jvm"):
        jvm.ask("run", tmp_path, 1.0, out=tmp_path / "x")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4, DataError),
        (5, ModelError),
        (6, UnsupportedError),
        *((code, ToolkitCrash) for code in (1, 3, 70, 134)),
    ],
)
def test_exit_codes_become_errors(
    program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, kind: type[Exception]
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, f"echo 'a sentence' >&2; exit {code}")))
    with pytest.raises(kind, match="a sentence"):
        jvm.ask("self-check", tmp_path, 5.0, out=tmp_path / "x")


def test_a_program_that_hangs(program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, "exec sleep 30")))
    with pytest.raises(ToolkitTimeout, match=r"self-check took more than 0 s and was stopped"):
        jvm.ask("self-check", tmp_path, 0.2, out=tmp_path / "x")


@pytest.mark.parametrize("keep_aspect", [False, True])
@pytest.mark.parametrize("size", [(28, 28, 1), (21, 33, 3), (96, 128, 3)])
def test_pictures_become_what_python_makes_of_them(
    app_program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: tuple[int, int, int], keep_aspect: bool
) -> None:
    monkeypatch.setenv(jvm.VARIABLE, str(app_program))
    (spec,) = registry.select("android-jvm")
    (cell,) = json_report.from_json(
        jvm.self_check(app_bundle.write(tmp_path, size=size, keep_aspect=keep_aspect), spec)
    ).cells
    metrics = {name: value for name, value in cell.metrics.items() if name.startswith("pictures.")}
    assert (metrics["pictures.pictures"], metrics["pictures.top1_agreement"]) == (7, 1.0)
    assert metrics["pictures.bit_equal"] >= 6, "all but the JPEG, which decoders may round in other ways"
    assert metrics["pictures.max_steps"] <= 4
    assert cell.outcome.value == "PASSED", cell.reasons


def test_the_apps_report_is_a_report(app_program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(jvm.VARIABLE, str(app_program))
    (spec,) = registry.select("android-jvm")
    document = jvm.self_check(app_bundle.write(tmp_path), spec)
    report = json_report.from_json(json.loads(json.dumps(document)))
    (cell,) = report.cells
    assert (cell.runtime, cell.outcome.value) == ("android-jvm[JVM,tflite]", "PASSED")
    assert cell.metrics["parity.max_rel_range"] <= 1e-5
    assert {check.name: check.outcome.value for check in cell.checks} == {
        "parity": "PASSED",
        "pictures": "PASSED",
        "latency": "NOT_RUN",
    }
    assert cell.metrics["pictures.bit_equal"] == cell.metrics["pictures.pictures"] == 7
