from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from android_demo.packaging import platform
from android_demo.packaging.platform import Class, Member, Platform

DUMP = """
Class #0            -
  Class descriptor  : 'Ldev/Home;'
  Superclass        : 'Landroid/app/Activity;'
  Interfaces        -
    #0              : 'Ljava/lang/Runnable;'
  Instance fields   -
    #0              : (in Ldev/Home;)
      name          : 'count'
      type          : 'I'
  Virtual methods   -
    #0              : (in Ldev/Home;)
      name          : 'run'
      type          : '()V'
000: 6e10 0300 0000 |0000: invoke-virtual {v0}, Landroid/os/PowerManager;.getStatus:()I // method@0003
003: 6e10 0400 0000 |0003: invoke-virtual {v0}, Ldev/Home;.getDisplay:()Landroid/view/Display; // method@0004
006: 6000 0100      |0006: sget v0, Landroid/os/Build$VERSION;.SDK_INT:I // field@0001
009: 7010 0500 0000 |0009: invoke-direct {v0}, Lkotlin/Pair;.<init>:()V // method@0005
""".splitlines()
STATUS = Member("android/os/PowerManager", "getStatus", "()I")
DISPLAY = Member("dev/Home", "getDisplay", "()Landroid/view/Display;")


def class_file(name: str, parent: str, fields: tuple[str, ...], methods: tuple[str, ...]) -> bytes:
    """A class of fields of type I, and of methods `name()I`, with a long constant in its pool."""
    pool = [b"\x05" + bytes(8), b""]  # takes two places

    def add(entry: bytes) -> int:
        pool.append(entry)
        return len(pool)

    def text(value: str) -> int:
        return add(b"\x01" + struct.pack(">H", len(value)) + value.encode())

    this, above = (add(b"\x07" + struct.pack(">H", text(each))) for each in (name, parent))
    kinds = {"I": text("I"), "()I": text("()I")}
    body = b""
    for members, kind in ((fields, "I"), (methods, "()I")):
        body += struct.pack(">H", len(members))
        for member in members:
            body += struct.pack(">4H", 1, text(member), kinds[kind], 1) + struct.pack(">HI", 1, 3) + b"abc"
    head = struct.pack(">IHHH", 0xCAFEBABE, 0, 52, len(pool) + 1)
    return head + b"".join(pool) + struct.pack(">4H", 1, this, above, 0) + body


def jar(path: Path, **classes: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in classes.items():
            archive.writestr(name.replace("_", "/") + ".class", data)
    return path


def test_classes_and_uses_are_read_from_the_dump():
    classes, uses = platform.read(DUMP)
    assert classes == {
        "dev/Home": Class(("android/app/Activity", "java/lang/Runnable"), {("count", "I"), ("run", "()V")})
    }
    assert uses[STATUS] == "dev/Home"
    assert set(uses) == {
        *(STATUS, DISPLAY, Member("android/os/Build$VERSION", "SDK_INT", "I"), Member("kotlin/Pair", "<init>", "()V"))
    }


def test_a_class_file_says_what_it_declares_and_from_whom_it_inherits():
    found = platform.class_file(class_file("android/os/A", "java/lang/Object", ("one",), ("two", "three")))
    assert found == Class(("java/lang/Object",), {("one", "I"), ("two", "()I"), ("three", "()I")})


def test_a_member_is_found_where_it_is_inherited_and_not_in_java_or_a_library(tmp_path: Path):
    above = class_file("android/view/Top", "java/lang/Object", (), ("inherited",))
    own = class_file("android/view/Low", "android/view/Top", (), ("own",))
    found = Platform(
        jar(tmp_path / "a.jar", android_view_Top=above, android_view_Low=own), {"dev/V": Class(("android/view/Low",))}
    )
    for owner in ("android/view/Low", "dev/V"):
        assert found.has(Member(owner, "own", "()I"))
        assert found.has(Member(owner, "inherited", "()I"))
        assert not found.has(Member(owner, "other", "()I"))
    assert not found.has(Member("kotlin/Pair", "own", "()I"))


def test_what_only_the_newest_has_is_told_with_who_uses_it(tmp_path: Path, monkeypatch):
    def power(*methods: str) -> bytes:
        return class_file("android/os/PowerManager", "java/lang/Object", (), methods)

    oldest = jar(tmp_path / "old.jar", android_os_PowerManager=power("reboot"))
    newest = jar(tmp_path / "new.jar", android_os_PowerManager=power("reboot", "getStatus"))
    monkeypatch.setattr(platform, "ours", lambda apk: platform.read(DUMP))
    found = platform.newer(tmp_path / "a.apk", oldest, newest)
    assert found == {"android.os.PowerManager.getStatus()I": "dev.Home"}
