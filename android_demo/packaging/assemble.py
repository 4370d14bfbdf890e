"""Puts one APK together, unsigned: `python -m android_demo.packaging.assemble PARTS ABI TARGET [--bundle FOLDER]`.

PARTS holds resources.apk (what aapt2 linked), classes*.dex, root/ and lib/ABI/. The same parts give the same bytes.
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

from android_demo.packaging.archive import MODEL, PAGE, WORD, Content, write
from android_demo.packaging.facts import BUNDLE

MAPPED = (".tflite", ".onnx", ".ort", ".pte", ".ptl", ".safetensors")
"""Endings of the models and golden packs that the app maps from the APK, so that they lie there as they are."""


def contents(parts: Path, abi: str, bundle: Path | None) -> Iterator[Content]:
    """Every entry of an APK, in its order.

    Raises:
        FileNotFoundError: there is no library for the ABI.
    """
    with zipfile.ZipFile(parts / "resources.apk") as linked:
        for info in linked.infolist():
            stored = info.compress_type == zipfile.ZIP_STORED
            yield Content(info.filename, linked.read(info), WORD if stored else 0)
    for path in sorted(parts.glob("classes*.dex")):
        yield Content(path.name, path.read_bytes())
    yield from _folder(parts / "root", "", ())
    libraries = sorted((parts / "lib" / abi).glob("*.so"))
    if not libraries:
        raise FileNotFoundError(f"there are no native libraries for {abi}")
    yield from (Content(f"lib/{abi}/{path.name}", path.read_bytes(), PAGE) for path in libraries)
    if bundle:
        yield from _folder(bundle, BUNDLE, MAPPED)


def _folder(folder: Path, prefix: str, mapped: tuple[str, ...]) -> Iterator[Content]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = prefix + path.relative_to(folder).as_posix()
        yield Content(name, path.read_bytes(), MODEL if name.endswith(mapped) else 0)


def main() -> None:
    """Writes the APK; `package.sh` has looked through the bundle before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path)
    parser.add_argument("abi")
    parser.add_argument("target", type=Path)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    write(options.target, contents(options.parts, options.abi, options.bundle))


if __name__ == "__main__":
    main()
