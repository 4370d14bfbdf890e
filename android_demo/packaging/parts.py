"""Sorts what Maven brought: `python -m android_demo.packaging.parts CLASSPATH FOLDER`.

Of the jars and AARs that CLASSPATH lists (one line, separated by colons) it writes into FOLDER:

    android.jar, dx.jar      links to the platform to link against, and to the compiler of class files
    app.jar, libraries.jar   the classes to compile: our own, and those of others; equal bytes for equal classes
    root/                    other files that our code reads by its class loader, as they lie in the APK
    lib/ABI/*.so             native libraries
"""

from __future__ import annotations

import io
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from android_demo.packaging.archive import Content, write

OURS = "edge-export-"
PLATFORM, COMPILER = "android-all-", "dalvik-dx-"
LEFT_OUT = ("META-INF/", "module-info", "org/bytedeco/javacpp/tools/")
"""What no phone needs: descriptions of jars, the Java module system, JavaCPP's own build."""
SERVICES = "META-INF/services/dev.edgeexport."
"""But this: by it the app finds the engines that a build takes along."""
RESOURCES = ("org/bytedeco/javacpp/properties/android-arm64.", "org/bytedeco/javacpp/properties/android-x86_64.")
"""What others' code reads by its class loader: JavaCPP asks which libraries a platform has."""


def sort(classpath: str, folder: Path) -> None:
    """Writes the parts into an empty folder."""
    classes: dict[str, list[Content]] = {"app.jar": [], "libraries.jar": []}
    for path in sorted(map(Path, filter(None, classpath.strip().split(":"))), key=lambda path: path.name):
        if path.name.startswith(PLATFORM):
            (folder / "android.jar").symlink_to(path)
        elif path.name.startswith(COMPILER):
            (folder / "dx.jar").symlink_to(path)
        else:
            _sort(path, folder, classes)
    for name, contents in classes.items():
        write(folder / name, contents)


def _sort(path: Path, folder: Path, classes: dict[str, list[Content]]) -> None:
    ours = is_ours(path)
    for name, data in _files(path):
        if name.endswith(".class"):
            classes["app.jar" if ours else "libraries.jar"].append(Content(name, data, align=1))
        elif name.endswith(".so") and name.split("/")[0] in ("lib", "jni"):
            _put(folder / "lib" / name.partition("/")[2], data)
        elif ours or name.startswith(RESOURCES):
            _put(folder / "root" / name, data)


def is_ours(path: Path) -> bool:
    """Whether a jar holds this project's classes; inside one build Maven names their folders `classes`."""
    return path.name.startswith(OURS) or path.name == "classes"


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """What a jar holds, or the `classes.jar` of an AAR and its libraries, or a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        yield from ((name, file.read_bytes()) for file in files if _wanted(name := file.relative_to(path).as_posix()))
        return
    with zipfile.ZipFile(path) as archive:
        yield from _members(archive)
        if "classes.jar" in archive.namelist():
            with zipfile.ZipFile(io.BytesIO(archive.read("classes.jar"))) as inner:
                yield from _members(inner)


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    for name in sorted(archive.namelist()):
        if not name.endswith("/") and _wanted(name):
            yield name, archive.read(name)


def _wanted(name: str) -> bool:
    left_out = name.startswith(LEFT_OUT) or name.endswith("module-info.class")
    return not left_out or name.startswith(SERVICES)


def _put(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def main() -> None:
    """Sorts anew what a former build may have left."""
    classpath, folder = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sort(classpath.read_text(encoding="utf-8"), folder)


if __name__ == "__main__":
    main()
