"""The Gradle project, which cannot be run here: all of it that can be told without running it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from android_demo.packaging import prove
from converters.android import phone
from pipeline import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = ROOT / "android_demo"
POM = "{http://maven.apache.org/POM/4.0.0}"
CATALOGUE = tomllib.loads((DEMO / "gradle/libs.versions.toml").read_text())
SCRIPTS = {path.relative_to(DEMO).as_posix(): path.read_text() for path in sorted(DEMO.rglob("*.kts"))}
GRADLE_ONLY = {"agp", "litert", "executorch"}
"""Versions that pom.xml does not name: LiteRT of Maven Central is an older one, under another name."""
NEVER_COMPILED = set(SCRIPTS)
"""What nothing here compiles: the scripts themselves. The GitHub job `gradle` does."""


def pom_properties() -> dict[str, str]:
    found = ElementTree.parse(DEMO / "pom.xml").getroot().find(f"{POM}properties")
    values = {each.tag.removeprefix(POM): each.text or "" for each in found}
    return {name: re.sub(r"\$\{([\w.]+)\}", lambda match: values[match[1]], value) for name, value in values.items()}


def modules() -> set[str]:
    found = ElementTree.parse(DEMO / "pom.xml").getroot().find(f"{POM}modules")
    return {each.text or "" for each in found}


def test_a_version_that_both_builds_name_is_the_same():
    versions, properties = CATALOGUE["versions"], pom_properties()
    assert set(versions) - GRADLE_ONLY == {name for name in versions if f"{name}.version" in properties}
    for name in set(versions) - GRADLE_ONLY:
        assert versions[name] == properties[f"{name}.version"], name


def test_executorch_is_the_one_that_writes_the_files():
    torch = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["torch"]
    assert f"executorch=={CATALOGUE['versions']['executorch']}" in torch


def test_litert_is_new_enough_for_16_kb_pages():
    assert tuple(map(int, CATALOGUE["versions"]["litert"].split("."))) >= (1, 4, 0)


def test_every_library_that_a_script_asks_for_is_in_the_catalogue_and_the_other_way_round():
    asked = set()
    for text in SCRIPTS.values():
        asked |= {name.removesuffix(".get") for name in re.findall(r"libs\.([a-z.]+)\b", text)}
    known = {name.replace("-", ".") for name in CATALOGUE["libraries"]}
    known |= {f"plugins.{name.replace('-', '.')}" for name in CATALOGUE["plugins"]}
    assert asked == known
    used = {each["version"]["ref"] for table in ("libraries", "plugins") for each in CATALOGUE[table].values()}
    assert used == set(CATALOGUE["versions"])


def test_both_builds_make_the_same_app():
    rules = tomllib.loads(prove.RULES.read_text())
    script = SCRIPTS["app/build.gradle.kts"]
    manifest = ElementTree.parse(DEMO / "app/src/main/AndroidManifest.xml").getroot()
    assert f'namespace = "{manifest.get("package")}"' in script
    assert f'applicationId = "{phone.PACKAGE}"' in script
    assert f"minSdk = {rules['sdk']['min']}" in script
    assert f"targetSdk = {rules['sdk']['target']}" in script
    assert f'versionName = "{__version__}"' in script
    for abi in ("arm64-v8a", "x86_64"):
        assert f'"{abi}"' in script
    for suffix in (suffix for suffix in rules["stored"]["suffixes"] if suffix != ".arsc"):
        assert f'"{suffix.removeprefix(".")}"' in script


def test_every_folder_that_a_script_names_is_there():
    for name, text in SCRIPTS.items():
        for folder in re.findall(r'srcDir\("([^"]+)"\)', text):
            assert any((DEMO / name).parent.joinpath(folder).resolve().rglob("*.*")), f"{name}: {folder}"
        for module in re.findall(r'":(\w+)"', text):
            assert (DEMO / module / "build.gradle.kts").is_file(), f"{name}: {module}"


def test_every_source_set_is_compiled_here_too_or_said_not_to_be():
    sources = [path for kind in ("*.kt", "*.java", "*.kts") for path in DEMO.rglob(kind) if "target" not in path.parts]
    assert len(sources) > 20
    homeless = {
        name
        for path in sources
        if (name := path.relative_to(DEMO).as_posix()) not in NEVER_COMPILED
        and not (name.split("/")[0] in modules() and name.split("/")[1] == "src")
    }
    assert not homeless, f"{homeless}: compile them by a module of pom.xml, or say in NEVER_COMPILED that nothing does"
    assert {"interpreter", "executorch"} <= modules()


def test_the_wrapper_is_of_a_gradle_that_the_android_plugin_takes():
    text = (DEMO / "gradle/wrapper/gradle-wrapper.properties").read_text()
    assert re.search(r"gradle-8\.(1[3-9]|[2-9]\d)(\.\d+)?-bin\.zip", text)
    assert CATALOGUE["versions"]["agp"].startswith("8.13.")


def test_the_github_job_runs_it():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "gradle assembleStandardDebug assembleExecutorchDebug" in workflow
    assert "working-directory: android_demo" in workflow


@pytest.fixture(scope="module")
def compiled(not_run) -> None:
    """The engines of the Gradle build, compiled against stand-ins."""
    if not (shutil.which("mvn") and shutil.which("javap")):
        not_run("needs Maven and a JDK: make setup-android")
    (ROOT / "build/android").mkdir(parents=True, exist_ok=True)
    command = ["flock", str(ROOT / "build/android/lock"), "mvn", "-q", "-B", "-f", str(DEMO / "pom.xml")]
    command += ["-pl", "interpreter,executorch", "-am", "-Dmaven.test.skip=true", "package"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode and re.search(r"Could not transfer|Unknown host|offline mode", done.stdout):
        not_run("needs Maven Central once")
    assert done.returncode == 0, done.stdout


def test_the_engines_of_the_gradle_build_compile(compiled: None):
    for name in ("interpreter/InterpreterEngine", "executorch/ExecuTorchEngine"):
        module = name.split("/")[0]
        assert (DEMO / module / "target/classes/dev/edgeexport" / f"{name}.class").is_file()
        services = (
            DEMO / module / "src/main/resources/META-INF/services/dev.edgeexport.core.engine.Engine"
        ).read_text()
        assert services.strip() == f"dev.edgeexport.{name.replace('/', '.')}"


def signatures(path: Path, name: str) -> set[str]:
    """The public members of a class, as `javap` prints them, with the types of maps left out."""
    done = subprocess.run(["javap", "-cp", str(path), name], capture_output=True, text=True, check=False)
    lines = (re.sub(r"<.*?>|\b(abstract|final|default) ", "", line).strip() for line in done.stdout.splitlines())
    return {line for line in lines if line.endswith(";")}


@pytest.mark.slow
def test_the_stand_ins_of_litert_have_nothing_that_the_library_has_not(compiled: None, tmp_path: Path, not_run):
    command = ["flock", str(ROOT / "build/android/lock"), "mvn", "-q", "-B", "-f", str(DEMO / "pom.xml"), "-Pgpu"]
    command += ["-pl", "apk", "-am", "-Dmaven.test.skip=true", "package"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout
    aars = [p for p in (DEMO / "apk/target/classpath.txt").read_text().split(":") if p.endswith(".aar")]
    assert len(aars) == 3
    for aar in aars:
        shutil.unpack_archive(aar, tmp_path / "aar", "zip")
        shutil.unpack_archive(tmp_path / "aar/classes.jar", tmp_path / "classes", "zip")
    stand_ins = DEMO / "standins/target/classes"
    for path in sorted(stand_ins.glob("org/tensorflow/**/*.class")):
        name = path.relative_to(stand_ins).with_suffix("").as_posix().replace("/", ".")
        wanted, found = signatures(stand_ins, name), signatures(tmp_path / "classes", name)
        assert wanted
        assert wanted <= found | {"public static org.tensorflow.lite.DataType[] values();"}, name
