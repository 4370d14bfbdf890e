"""Makes the bundle that the demo app's tests run, from fashion-small.toml: `python tests/android_demo/make_bundle.py`.

It is what `edge-export run` writes, without the report, which the app does not read: small enough to be committed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / "android_demo/app/src/test/assets/bundle"
OPTIONS = ["--framework", "torch", "--target", "tflite,onnx,executorch", "--precision", "fp32,dynamic,int8"]
ROUTES = "litert,onnx,executorch-xnnpack"
"""The fastest of several routes is another on every day."""


def main() -> None:
    """Runs the pipeline and takes over what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        edge_export = Path(sys.executable).with_name("edge-export")
        command = [edge_export, "run", HERE / "fashion-small.toml", *OPTIONS, "--route", ROUTES, "--out", folder]
        subprocess.run([*command, "--workspace", f"{folder}/workspace"], check=True)
        take_over(Path(folder) / "fashion-small", PLACE)


def take_over(bundle: Path, place: Path) -> None:
    """Copies a bundle without its report, and with one file alone of those that no engine of the app opens."""
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    left_out = {
        one["file"] for one in manifest["artifacts"] if one["format"] == "executorch" and one["precision"] != "fp32"
    }
    manifest["report"] = {}
    manifest["artifacts"] = [one for one in manifest["artifacts"] if one["file"] not in left_out]
    manifest["files"] = {
        name: one for name, one in manifest["files"].items() if not name.startswith("report/") and name not in left_out
    }
    shutil.rmtree(place, ignore_errors=True)
    for name in manifest["files"]:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / name, place / name)
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (place / "manifest.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
