from __future__ import annotations

from pathlib import Path

import pytest
import sample_bundle
from elf_files import library

from android_demo.packaging import archive, assemble
from android_demo.packaging.archive import MODEL, PAGE, WORD, Content
from pipeline.bundle import write_bundle

ABI = "arm64-v8a"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    (folder / "lib" / ABI).mkdir(parents=True)
    (folder / "root/dev").mkdir(parents=True)
    linked = [Content("AndroidManifest.xml", b"manifest"), Content("resources.arsc", b"table", WORD)]
    archive.write(folder / "resources.apk", linked)
    for name in ("classes2.dex", "classes.dex"):
        (folder / name).write_bytes(name.encode())
    (folder / "root/dev/words.txt").write_text("words")
    (folder / "lib" / ABI / "libone.so").write_bytes(library())
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "out")


def alignments(contents: list[Content]) -> dict[str, int]:
    return {content.name: content.align for content in contents}


def test_everything_lies_where_android_looks_for_it(parts: Path):
    assert alignments(list(assemble.contents(parts, ABI, None))) == {
        "AndroidManifest.xml": 0,
        "resources.arsc": WORD,
        "classes.dex": 0,
        "classes2.dex": 0,
        "dev/words.txt": 0,
        f"lib/{ABI}/libone.so": PAGE,
    }


def test_a_bundle_comes_along_whole_with_its_models_as_they_are(parts: Path, bundle: Path):
    found = alignments(list(assemble.contents(parts, ABI, bundle)))
    inside = {name for name in found if name.startswith("assets/")}
    files = [path for path in bundle.rglob("*") if path.is_file()]
    assert inside == {f"assets/bundle/{path.relative_to(bundle).as_posix()}" for path in files}
    mapped = {name for name in inside if name.endswith((".tflite", ".safetensors"))}
    assert len(mapped) > 2
    assert {name for name in inside if found[name]} == mapped
    assert {found[name] for name in mapped} == {MODEL}


def test_an_abi_without_libraries_is_refused(parts: Path):
    with pytest.raises(FileNotFoundError, match="no native libraries for x86_64"):
        list(assemble.contents(parts, "x86_64", None))
