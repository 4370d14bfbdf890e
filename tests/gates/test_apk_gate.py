"""Each rule of android_demo/packaging/rules.toml, fed the fault that it is there for."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest
from elf_files import X86_64, library

from android_demo.packaging import elf, prove
from android_demo.packaging.archive import Entry
from android_demo.packaging.dex import NativeMethod
from android_demo.packaging.facts import Facts, Manifest

RULES = tomllib.loads(prove.RULES.read_text(encoding="utf-8"))
TFLITE, JAVACPP = "lib/arm64-v8a/libjnitensorflowlite.so", "lib/arm64-v8a/libjnijavacpp.so"
RUN = NativeMethod("org/bytedeco/tensorflowlite/Interpreter", "Invoke", "()I")
COPY = NativeMethod("org/bytedeco/javacpp/Pointer", "memcpy", "(J)V")
ORT = NativeMethod("ai/onnxruntime/OrtSession", "run", "()J")


def stored(name: str, offset: int = 0x4000) -> Entry:
    return Entry(name, offset, True, 100, 100)


def read(*exports: str, **how: Any) -> elf.Library:
    return elf.read(library(exports, **how))


SOUND = Facts(
    name="edge-export-demo-0.1.0-arm64-v8a.apk",
    entries=(
        stored(TFLITE),
        stored(JAVACPP, 0x8000),
        stored("resources.arsc", 4),
        stored("assets/bundle/a.tflite", 128),
        Entry("classes.dex", 33, False, 10, 20),
    ),
    libraries={TFLITE: read(RUN.symbols()[0]), JAVACPP: read(COPY.symbols()[1], needed=("libc.so", "liblog.so"))},
    natives=(RUN, COPY, ORT),
    manifest=Manifest("dev.edgeexport.demo", "0.1.0", 26, 35, (), "dev.edgeexport.demo.HomeActivity", True, False),
    disk_bytes=19_000_000,
    download_bytes=7_000_000,
    bundle_bytes=0,
    bundle_download_bytes=0,
    refusals=(),
    newer=dict.fromkeys(RULES["platform"]["guarded"], "dev.edgeexport.demo.Phone"),
)


def broken(apk: Facts) -> list[str]:
    return [f"{found.rule}: {found.text}" for found in prove.prove(apk, RULES) if found.broken]


def changed(**changes: Any) -> Facts:
    return dataclasses.replace(SOUND, **changes)


def with_library(name: str, found: elf.Library | str) -> Facts:
    return changed(libraries={**SOUND.libraries, name: found})


def with_entry(entry: Entry) -> Facts:
    return changed(entries=(*(each for each in SOUND.entries if each.name != entry.name), entry))


def with_manifest(**changes: Any) -> Facts:
    return changed(manifest=dataclasses.replace(SOUND.manifest, **changes))


def test_a_sound_apk_keeps_every_rule():
    assert broken(SOUND) == []
    assert {found.rule for found in prove.prove(SOUND, RULES)} == {
        *("tools", "sdk", "permissions", "abi", "pages", "needed", "natives", "platform", "stored", "size")
    }


FAULTS: dict[str, tuple[Facts, str]] = {
    "a tool refuses the file": (changed(refusals=("zipalign: Verification FAILED",)), "tools: zipalign: Verif"),
    "older devices": (with_manifest(min_sdk=21), "sdk: min SDK is 21"),
    "older target": (with_manifest(target_sdk=33), "sdk: target SDK is 33"),
    "nothing to launch": (with_manifest(activity=""), "sdk: no activity can be launched"),
    "a permission more": (
        with_manifest(permissions=("android.permission.INTERNET",)),
        "permissions: android.permission.INTERNET: not among",
    ),
    "libraries are extracted": (with_manifest(extracts=True), "pages: the manifest lacks extractNativeLibs"),
    "no library at all": (changed(libraries={}, natives=()), "abi: libraries of no ABI"),
    "two ABIs": (
        changed(
            libraries={**SOUND.libraries, "lib/x86_64/libjnijavacpp.so": read(machine=X86_64)},
            entries=(*SOUND.entries, stored("lib/x86_64/libjnijavacpp.so", 0xC000)),
        ),
        "abi: libraries of arm64-v8a, x86_64 are inside",
    ),
    "another machine's library": (with_library(TFLITE, read(RUN.symbols()[0], machine=X86_64)), "built for x86_64"),
    "no library": (with_library(TFLITE, "a damaged ELF file"), "libjnitensorflowlite.so is no library: a damaged"),
    "4 KB pages": (
        with_library(TFLITE, read(RUN.symbols()[0], align=0x1000)),
        "pages: a LOAD segment of libjnitensorflowlite.so is aligned to 4096 bytes",
    ),
    "segments out of place": (with_library(TFLITE, read(RUN.symbols()[0], address=0x1000)), "do not lie in the file"),
    "a library off its page": (with_entry(stored(TFLITE, 0x5000)), "lies in the APK at byte 20480, no multiple"),
    "a compressed library": (with_entry(Entry(TFLITE, 0x4000, False, 9, 99)), "lies in the APK compressed"),
    "a private library": (
        with_library(TFLITE, read(RUN.symbols()[0], needed=("libc.so", "libart.so"))),
        "needed: libjnitensorflowlite.so needs libart.so",
    ),
    "a method unbound": (
        with_library(TFLITE, read()),
        "org.bytedeco.tensorflowlite.Interpreter.Invoke()I: libjnitensorflowlite.so has no Java_org_bytedeco",
    ),
    "a method of nobody": (changed(natives=(NativeMethod("a/B", "c", "()V"),)), "does not say which library"),
    "its library is not there": (
        changed(libraries={TFLITE: SOUND.libraries[TFLITE]}),
        "memcpy(J)V: libjnijavacpp.so is not in the APK",
    ),
    "a call that old phones lack": (
        changed(newer={**SOUND.newer, "android.view.View.performHapticFeedback2(I)Z": "dev.edgeexport.demo.DrawView"}),
        "DrawView uses android.view.View.performHapticFeedback2(I)Z, which Android of API 26 lacks",
    ),
    "a guard of nothing": (
        changed(newer=dict(list(SOUND.newer.items())[1:])),
        "platform: rules.toml guards android.graphics.Bitmap.setColorSpace",
    ),
    "a compressed model": (with_entry(Entry("assets/bundle/a.tflite", 128, False, 9, 99)), "a.tflite is compressed"),
    "a model off its place": (with_entry(stored("assets/bundle/a.tflite", 132)), "a.tflite lies at byte 132"),
    "a compressed table": (with_entry(Entry("resources.arsc", 4, False, 9, 99)), "resources.arsc is compressed"),
    "too large": (changed(disk_bytes=20_000_001), "size: disk: 20.0 MB of 20"),
    "too much to download": (changed(download_bytes=8_100_000), "size: download: 8.1 MB of 8"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str):
    apk, words = FAULTS[fault]
    assert any(words in found for found in broken(apk)), broken(apk)


def test_a_library_that_is_too_long_on_4_kb_pages_is_excused_by_name_and_said():
    name = "lib/arm64-v8a/libtensorflowlite_jni.so"
    apk = with_library(name, read(align=0x1000))
    apk = dataclasses.replace(apk, entries=(*apk.entries, stored(name, 0xC000)))
    assert broken(apk) == []
    said = [found.text for found in prove.prove(apk, RULES)]
    assert any(
        "libtensorflowlite_jni.so (org.tensorflow:tensorflow-lite 2.16.1) has 4096-byte pages" in t for t in said
    )


def test_an_engine_that_is_left_out_is_said():
    assert any("libonnxruntime4j_jni.so stay unbound" in found.text for found in prove.prove(SOUND, RULES))


def test_a_large_bundle_of_the_users_own_does_not_break_the_budget_of_the_app():
    assert broken(changed(disk_bytes=60_000_000, bundle_bytes=45_000_000)) == []


def test_an_apk_for_emulators_may_be_larger_than_one_for_phones():
    emulator = {name.replace("arm64-v8a", "x86_64"): library for name, library in SOUND.libraries.items()}
    entries = tuple(dataclasses.replace(one, name=one.name.replace("arm64-v8a", "x86_64")) for one in SOUND.entries)
    for size, words in ((22_000_000, []), (25_000_000, ["size: disk: 25.0 MB of 24"])):
        found = broken(changed(disk_bytes=size, libraries=emulator, entries=entries))
        assert [each for each in found if each.startswith("size")] == words


def test_where_nobody_looked_for_newer_calls_it_is_said():
    said = [found for found in prove.prove(changed(newer=None), RULES) if found.rule == "platform"]
    assert [found.broken for found in said] == [False]
    assert "nobody looked" in said[0].text
