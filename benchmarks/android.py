"""`make bench-android`: the Android demo's own figures, each beside its goal. It has no phone and needs none."""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from android_demo.packaging import facts
from benchmarks.bench import Asked, Group, bench
from benchmarks.figure import Figure
from benchmarks.workshop import ROOT, Workshop, started
from converters.android import jvm
from converters.contract import Arrays, Artifact
from converters.errors import ToolkitError, UnavailableError
from pipeline import golden
from pipeline.asking import run
from pipeline.bundle import open_bundle
from pipeline.checks.kernels import check_kernels
from pipeline.configs import load_configs
from pipeline.lone import named_runtimes

APK_S, SUITE_S = 60.0, 240.0
FP32_GOAL, STEPS_GOAL = 1e-5, 1.0
DISK_MB, DOWNLOAD_MB = 20.0, 8.0
DEMO, BUILT, MADE = ROOT / "android_demo", ROOT / "build/android", ROOT / "dist/android"
APP, KERNELS = "android-jvm", ("litert-reference", "litert-xnnpack")
_SLOWEST_S = 1800


def apk_figures(workshop: Workshop) -> Iterator[Figure]:
    """`make apk` with everything compiled anew, and what it made."""
    bundle = reference_bundle(workshop)
    require("mvn", "aapt2", "apksigner", "zipalign", "dexdump")
    make_apk(bundle)  # downloads what is missing, which is not counted
    for folder in (*DEMO.glob("*/target"), BUILT):
        shutil.rmtree(folder)
    seconds, done = started(["make", "apk", f"BUNDLE={bundle}"], ROOT, capture_output=True, timeout=_SLOWEST_S)
    detail = "both ABIs, the default bundle inside, nothing compiled before, everything downloaded"
    yield Figure("apk", "make apk", seconds, APK_S, "s", detail, broken=done.returncode != 0)
    for path in sorted(MADE.glob("edge-export-demo-[0-9]*.apk")):
        found, abi = facts.read(path), path.stem.split("-", 4)[-1]
        inside = f"{found.bundle_bytes / 1e6:.1f} MB of it the bundle"
        yield Figure("apk", f"{abi}: APK on disk", found.disk_bytes / 1e6, DISK_MB, "MB", inside)
        how = f"every entry by gzip; {found.bundle_download_bytes / 1e6:.1f} MB of it the bundle"
        yield Figure("apk", f"{abi}: APK to download", found.download_bytes / 1e6, DOWNLOAD_MB, "MB", how)


def suite_figures(workshop: Workshop) -> Iterator[Figure]:
    """The tests of core, program and app on the JVM, as Maven runs them."""
    require("mvn")
    lines = ["flock", str(BUILT / "lock"), "mvn", "-B", "-f", str(DEMO / "pom.xml"), "-pl", "core,jvm,app"]
    BUILT.mkdir(parents=True, exist_ok=True)
    seconds, done = started([*lines, "verify"], ROOT, capture_output=True, timeout=_SLOWEST_S)
    told = [said for said in done.stdout.splitlines() if "Tests run:" in said and "Time elapsed" not in said]
    detail = f"{count(told)} tests of core, program and app"
    if done.returncode:
        detail = next((said for said in done.stdout.splitlines() if said.startswith("[ERROR]")), "Maven failed")
    yield Figure("suite", "tests on the JVM", seconds, SUITE_S, "s", detail, broken=done.returncode != 0)


def count(told: Sequence[str]) -> int:
    """How many tests Surefire's closing lines count."""
    return sum(int(said.partition("Tests run: ")[2].partition(",")[0]) for said in told)


def parity_figures(workshop: Workshop) -> Iterator[Figure]:
    """The app's own classes beside the framework, and beside LiteRT's two sets of kernels."""
    need_program()
    bundle = open_bundle(reference_bundle(workshop))
    packs = {name: golden.read(path) for name, path in bundle.golden.items()}
    files = [each for each in bundle.artifacts if each.format == "tflite"]
    floats: dict[str, float] = {}
    steps: dict[str, tuple[float, float, str]] = {}
    for artifact in files:
        pack = packs[artifact.framework]
        if artifact.precision == "fp32":
            got = outputs(workshop, artifact, APP, pack.inputs)
            floats[artifact.path.name] = max(apart(pack.outputs[name], got[name]) for name in pack.outputs)
        elif artifact.precision in ("int8", "int8-io"):
            steps[artifact.path.name] = nearest(workshop, artifact, pack.inputs)
    yield from read(floats, steps)


def read(floats: Mapping[str, float], steps: Mapping[str, tuple[float, float, str]]) -> Iterator[Figure]:
    """The worst file of each kind; of an int8 file (steps, share of equal values, name) of the nearest kernels."""
    what = "fp32 error / range of the golden outputs"
    worst = max(floats, key=lambda name: floats[name], default="")
    value = floats[worst] if floats else None
    yield Figure("parity", what, value, FP32_GOAL, "", worst or "the bundle holds no fp32 .tflite file")
    what = "int8 distance from the nearest kernels of LiteRT"
    if not steps:
        yield Figure("parity", what, None, STEPS_GOAL, "steps", "the bundle holds no int8 .tflite file")
        return
    worst = max(steps, key=lambda name: steps[name][0])
    far, equal, kernels = steps[worst]
    detail = f"{worst} beside {kernels}: {equal:.1%} of the values are bit-equal"
    yield Figure("parity", what, far, STEPS_GOAL, "steps", detail)


def outputs(workshop: Workshop, artifact: Artifact, runtime: str, inputs: Arrays) -> Arrays:
    """What a file gives in a runtime."""
    limits = workshop.configs.limits
    return run(artifact, inputs, artifact.source, named_runtimes(runtime)[0], workshop.pool, limits)


def nearest(workshop: Workshop, artifact: Artifact, inputs: Arrays) -> tuple[float, float, str]:
    """(steps, share of equal values, name) of the kernels that the app's outputs are nearest to."""
    got = outputs(workshop, artifact, APP, inputs)
    rows = []
    for kernels in KERNELS:
        gate = load_configs(None, None)[1].kernels[APP]
        found = check_kernels(outputs(workshop, artifact, kernels, inputs), got, kernels, gate).metrics
        rows.append((float(found.get("max_steps") or 0.0), float(found["equal_share"] or 0.0), kernels))
    return min(rows)


def apart(right: np.ndarray, got: np.ndarray) -> float:
    """The largest error as a share of the range of what is right; NaN and another shape are infinitely far."""
    if right.shape != got.shape or not np.isfinite(got).all():
        return math.inf
    return float(np.abs(right.astype(np.float64) - got).max() / max(np.ptp(right), np.finfo(np.float32).tiny))


def start_figures(workshop: Workshop) -> Iterator[Figure]:
    """Bundle checked, engine open, one run: in a process just started, of the app's own code alone."""
    need_program()
    bundle = reference_bundle(workshop)
    spec = named_runtimes(APP)[0]
    times = [first_result_ms(jvm.self_check(bundle, spec)) for _ in range(3)]
    detail = "median of 3 processes: the whole bundle checked, one file opened, one call; no phone's time"
    yield Figure("start", "time to first result (reported, no goal)", float(np.median(times)), math.inf, "ms", detail)


def first_result_ms(report: Mapping[str, Any]) -> float:
    """Milliseconds of opening the bundle, and of the first cell's file and call."""
    metrics = next(cell["metrics"] for cell in report["cells"] if "latency.first_ms" in cell["metrics"])
    opened: float = report["timings_s"]["open bundle"] * 1e3
    return opened + float(metrics["latency.load_ms"]) + float(metrics["latency.first_ms"])


def reference_bundle(workshop: Workshop) -> Path:
    """The bundle of `edge-export run --target tflite`."""
    workshop.report()
    return next(path.parent for path in (workshop.folder / "dist").glob("*/manifest.json"))


def make_apk(bundle: Path) -> None:
    """Builds once.

    Raises:
        ToolkitError: it fails; the message is its own last words.
    """
    _, done = started(["make", "apk", f"BUNDLE={bundle}"], ROOT, capture_output=True, timeout=_SLOWEST_S)
    if done.returncode:
        raise ToolkitError(f"make apk failed: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}")


def need_program() -> None:
    """Builds the app's program for the JVM where it is not there.

    Raises:
        UnavailableError: there is no JDK or no Maven, or it cannot be built.
    """
    require("mvn", "java")
    done = subprocess.run(["make", "android-jvm"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"make android-jvm failed: {done.stderr.strip()[-300:]}")


def require(*tools: str) -> None:
    """Raises UnavailableError, with what to do, where a tool is missing."""
    if missing := [tool for tool in tools if not shutil.which(tool)]:
        raise UnavailableError(f"{', '.join(missing)} not here: make setup-android")


GROUPS: Mapping[str, Group] = {
    "apk": apk_figures,
    "suite": suite_figures,
    "parity": parity_figures,
    "start": start_figures,
}


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every goal was met, 1 when one was missed, 2 for a wrong option."""
    parser = argparse.ArgumentParser(prog="make bench-android", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the rest on stderr")
    parser.add_argument("--workspace", type=Path, help="take what is stored here instead of training anew")
    options = parser.parse_args(arguments)
    return bench(Asked(options.only or list(GROUPS), options.json, options.workspace), GROUPS)


if __name__ == "__main__":
    sys.exit(main())
