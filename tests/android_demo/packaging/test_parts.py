from __future__ import annotations

import io
import zipfile
from pathlib import Path

from android_demo.packaging import parts


def jar(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


def sort(tmp_path: Path, *paths: Path) -> Path:
    folder = tmp_path / "parts"
    folder.mkdir()
    parts.sort(":".join(map(str, paths)) + "\n", folder)
    return folder


def names(path: Path) -> list[str]:
    return zipfile.ZipFile(path).namelist()


def test_classes_of_ours_and_of_others_are_told_apart(tmp_path: Path):
    ours = jar(tmp_path / "edge-export-core-0.jar", "dev/edgeexport/core/Bundle.class", "META-INF/MANIFEST.MF")
    theirs = jar(tmp_path / "javacpp-1.5.14.jar", "org/bytedeco/javacpp/Pointer.class")
    folder = sort(tmp_path, theirs, ours)
    assert names(folder / "app.jar") == ["dev/edgeexport/core/Bundle.class"]
    assert names(folder / "libraries.jar") == ["org/bytedeco/javacpp/Pointer.class"]


def test_what_no_phone_needs_is_left_out(tmp_path: Path):
    left_out = ("module-info.class", "META-INF/versions/9/a/B.class", "org/bytedeco/javacpp/tools/Builder.class")
    folder = sort(tmp_path, jar(tmp_path / "javacpp-1.5.14.jar", *left_out, "org/bytedeco/javacpp/Pointer.class"))
    assert names(folder / "libraries.jar") == ["org/bytedeco/javacpp/Pointer.class"]


def test_libraries_lie_by_abi_whatever_brings_them(tmp_path: Path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as classes:
        classes.writestr("org/tensorflow/lite/Interpreter.class", "class")
    aar = jar(tmp_path / "tensorflow-lite-2.16.1.aar", "jni/x86_64/libtensorflowlite_jni.so", "res/", "LICENSE")
    with zipfile.ZipFile(aar, "a") as archive:
        archive.writestr("classes.jar", inner.getvalue())
    native = jar(tmp_path / "tensorflow-lite-2.21.0-1.5.14-android-arm64.jar", "lib/arm64-v8a/libjnitensorflowlite.so")
    linux = jar(tmp_path / "onnxruntime-1.29.0.jar", "ai/onnxruntime/native/linux-x64/libonnxruntime.so")
    folder = sort(tmp_path, aar, native, linux)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.so"))
    assert found == ["lib/arm64-v8a/libjnitensorflowlite.so", "lib/x86_64/libtensorflowlite_jni.so"]
    assert names(folder / "libraries.jar") == ["org/tensorflow/lite/Interpreter.class"]


def test_resources_of_our_code_and_what_javacpp_asks_for_come_along(tmp_path: Path):
    properties = "org/bytedeco/javacpp/properties/"
    theirs = jar(
        tmp_path / "javacpp.jar", f"{properties}android-arm64.properties", f"{properties}linux-x86_64.properties"
    )
    ours = jar(tmp_path / "edge-export-core-0.jar", "dev/edgeexport/core/words.txt")
    folder = sort(tmp_path, theirs, ours)
    found = sorted(path.relative_to(folder).as_posix() for path in (folder / "root").rglob("*.*"))
    assert found == ["root/dev/edgeexport/core/words.txt", f"root/{properties}android-arm64.properties"]


def test_platform_and_compiler_are_not_packed(tmp_path: Path):
    platform = jar(tmp_path / "android-all-14-robolectric-1.jar", "android/app/Activity.class")
    compiler = jar(tmp_path / "dalvik-dx-16.0.1.jar", "com/android/dx/command/Main.class")
    folder = sort(tmp_path, platform, compiler)
    assert (folder / "android.jar").resolve() == platform
    assert (folder / "dx.jar").resolve() == compiler
    assert names(folder / "libraries.jar") == []


def test_a_folder_of_classes_counts_as_ours(tmp_path: Path):
    """Where Maven did not come to packing a module, its class path names the folder."""
    file = tmp_path / "core/target/classes/dev/edgeexport/core/Bundle.class"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"class")
    folder = sort(tmp_path, tmp_path / "core/target/classes")
    assert names(folder / "app.jar") == ["dev/edgeexport/core/Bundle.class"]
