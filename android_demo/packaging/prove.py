"""Proves a finished APK without a device: `python -m android_demo.packaging.prove APK...`.

Prints every rule with what was found, and exits with 1 where one is broken. The rules are in rules.toml.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from android_demo.packaging import facts
from android_demo.packaging.archive import MODEL, WORD
from android_demo.packaging.elf import Library
from android_demo.packaging.facts import Facts

RULES = Path(__file__).with_name("rules.toml")
_MB = 1_000_000
Rules = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a rule found: one sentence, and whether it is broken."""

    rule: str
    broken: bool
    text: str


def prove(apk: Facts, rules: Rules) -> list[Finding]:
    """A finding or more for every rule."""
    return [Finding(name, broken, text) for name, rule in _RULES.items() for broken, text in rule(apk, rules)]


Found = Iterator[tuple[bool, str]]


def _tools(apk: Facts, rules: Rules) -> Found:
    yield from ((True, text) for text in apk.refusals)
    if not apk.refusals:
        yield False, "zipalign, apksigner, aapt and dexdump accept the file"


def _sdk(apk: Facts, rules: Rules) -> Found:
    for what, found in (("min", apk.manifest.min_sdk), ("target", apk.manifest.target_sdk)):
        yield found != rules["sdk"][what], f"{what} SDK is {found}, the rules say {rules['sdk'][what]}"
    if not apk.manifest.activity:
        yield True, "no activity can be launched: nobody could open the app"


def _permissions(apk: Facts, rules: Rules) -> Found:
    allowed = rules["permissions"]
    for name in apk.manifest.permissions:
        yield name not in allowed, f"{name}: {allowed.get(name, 'not among the permissions in rules.toml')}"
    if not apk.manifest.permissions:
        yield False, "the app asks for none"


def _abi(apk: Facts, rules: Rules) -> Found:
    folders = _folders(apk)
    if len(folders) != 1:
        yield True, f"libraries of {', '.join(sorted(folders)) or 'no ABI'} are inside, not of one ABI"
    for name, library in apk.libraries.items():
        if isinstance(library, str):
            yield True, f"{name} is no library: {library}"
        elif name != f"lib/{library.abi}/{Path(name).name}":
            yield True, f"{name} is built for {library.abi}"
    yield False, f"{len(apk.libraries)} libraries for {', '.join(sorted(folders))}"


def _folders(apk: Facts) -> set[str]:
    return {name.split("/")[1] for name in apk.libraries if name.startswith("lib/")}


def _pages(apk: Facts, rules: Rules) -> Found:
    page, excused = rules["libraries"]["page_bytes"], rules["libraries"]["four_kb"]
    places = {entry.name: entry for entry in apk.entries}
    for name, library in _libraries(apk):
        entry, short = places[name], Path(name).name
        if not entry.stored or entry.offset % page:
            how = f"at byte {entry.offset}, no multiple of {page}" if entry.stored else "compressed"
            yield True, f"{short} lies in the APK {how}: it cannot be mapped from there"
        if not library.congruent:
            yield True, f"the segments of {short} do not lie in the file as in memory"
        if library.aligned % page and short in excused:
            yield False, f"{short} ({excused[short]}) has {library.aligned}-byte pages: not for devices with {page}"
        elif library.aligned % page:
            yield True, f"a LOAD segment of {short} is aligned to {library.aligned} bytes, not to {page}"
    if apk.manifest.extracts:
        yield True, 'the manifest lacks extractNativeLibs="false": every library would be on the phone twice'
    yield False, f"segments and places of libraries in the APK were held against pages of {page} bytes"


def _needed(apk: Facts, rules: Rules) -> Found:
    inside = {Path(name).name for name in apk.libraries}
    public = set(rules["libraries"]["public"])
    for name, library in _libraries(apk):
        strangers = sorted(set(library.needed) - public - inside)
        if strangers:
            yield True, f"{Path(name).name} needs {', '.join(strangers)}: neither public on Android nor in the APK"
    yield False, "what libraries need was held against the public ones of the NDK"


def _natives(apk: Facts, rules: Rules) -> Found:
    table = {prefix: name for prefix, name in rules["natives"].items() if isinstance(name, str)}
    exports = {Path(name).name: library.exports for name, library in _libraries(apk)}
    absent, bound = rules["natives"]["absent"], Counter[str]()
    for method in apk.natives:
        owner, said = method.owner, f"{method.owner.replace('/', '.')}.{method.name}{method.type}"
        library = next((name for prefix, name in table.items() if owner.startswith(prefix)), "")
        if not library:
            yield True, f"{said}: rules.toml does not say which library binds it"
        elif library in exports and not exports[library].intersection(method.symbols()):
            yield True, f"{said}: {library} has no {method.symbols()[0]}"
        elif library not in exports and library not in absent:
            yield True, f"{said}: {library} is not in the APK"
        bound[library] += 1
    for library, count in bound.items():
        if library in exports:
            yield False, f"{count} declared native methods were looked up in {library}"
        elif library in absent:
            yield False, f"{count} native methods of {library} stay unbound: {absent[library]}"


def _platform(apk: Facts, rules: Rules) -> Found:
    guards = rules["platform"]["guarded"]
    if apk.newer is None:
        yield False, "nobody looked at what came after the oldest Android: give --oldest and --newest"
        return
    for name, user in apk.newer.items():
        if name not in guards:
            yield (
                True,
                f"{user} uses {name}, which Android of API {rules['sdk']['min']} lacks: guard it, and list the guard",
            )
    for name in guards:
        if name not in apk.newer:
            yield True, f"rules.toml guards {name}, which nothing uses any more"
    yield False, f"{len(apk.newer)} uses of what came after API {rules['sdk']['min']} are guarded"


def _stored(apk: Facts, rules: Rules) -> Found:
    suffixes = tuple(rules["stored"]["suffixes"])
    found = [entry for entry in apk.entries if entry.name.endswith(suffixes)]
    for entry in found:
        if not entry.stored:
            yield True, f"{entry.name} is compressed: it cannot be mapped from the APK"
        elif entry.offset % (MODEL if entry.name.startswith(facts.BUNDLE) else WORD):
            yield True, f"{entry.name} lies at byte {entry.offset}, where it cannot be mapped as it is"
    yield not found, f"{len(found)} entries that are mapped were looked at"


def _size(apk: Facts, rules: Rules) -> Found:
    for what, total, bundle in (
        ("disk", apk.disk_bytes, apk.bundle_bytes),
        ("download", apk.download_bytes, apk.bundle_download_bytes),
    ):
        limit = min(rules["size"][abi][f"{what}_bytes"] for abi in _folders(apk) & {*rules["size"]} or rules["size"])
        inside = f", {bundle / _MB:.1f} of them the bundle" if bundle else ""
        yield total - bundle > limit, f"{what}: {total / _MB:.1f} MB of {limit / _MB:.0f}{inside}"


def _libraries(apk: Facts) -> Iterator[tuple[str, Library]]:
    return ((name, library) for name, library in apk.libraries.items() if isinstance(library, Library))


_RULES: Mapping[str, Callable[[Facts, Rules], Found]] = {
    "tools": _tools,
    "sdk": _sdk,
    "permissions": _permissions,
    "abi": _abi,
    "pages": _pages,
    "needed": _needed,
    "natives": _natives,
    "platform": _platform,
    "stored": _stored,
    "size": _size,
}


def main(arguments: list[str] | None = None) -> int:
    """0 where every APK keeps every rule."""
    rules = tomllib.loads(RULES.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("apks", type=Path, nargs="+")
    parser.add_argument("--oldest", type=Path, help="jar of the oldest Android that the app runs on")
    parser.add_argument("--newest", type=Path, help="jar of the newest one")
    options = parser.parse_args(arguments)
    platforms = (options.oldest, options.newest) if options.oldest and options.newest else None
    failed = False
    for path in options.apks:
        try:
            findings = prove(facts.read(path, platforms), rules)
        except (OSError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
            findings = [Finding("readable", True, str(error))]
        sys.stdout.write(f"{path.name}\n")
        for finding in findings:
            sys.stdout.write(f"  {'FAILED' if finding.broken else 'PASSED'}  {finding.rule:<12} {finding.text}\n")
        failed |= any(finding.broken for finding in findings)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
