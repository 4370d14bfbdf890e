"""The machine's own apt sources, read and written as deb822 text, so that no archive is named here."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from converters.errors import UnavailableError

VARIABLE = "EDGE_EXPORT_APT_SOURCES"
APT = Path("/etc/apt")
Stanza = dict[str, str]
"""Fields of a deb822 paragraph, as they are written; a key inside has several lines."""

_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>[^#]*)")
_LONG_NAMES = {"arch": "Architectures", "lang": "Languages", "target": "Targets", "pdiffs": "PDiffs"}


def release() -> tuple[str, str]:
    """(`debian`, `bookworm`): the distribution and the code name of its release; empty where nobody says."""
    try:
        about = platform.freedesktop_os_release()
    except OSError:
        return "", ""
    return about.get("ID", ""), about.get("UBUNTU_CODENAME") or about.get("VERSION_CODENAME", "")


def found(apt: Path = APT) -> list[Stanza]:
    """The binary sources of the machine, or those of the file that $EDGE_EXPORT_APT_SOURCES names.

    Of a machine that has its distribution's and other people's, only the distribution's.

    Raises:
        UnavailableError: there are none.
    """
    named = os.environ.get(VARIABLE)
    files = [Path(named)] if named else [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    stanzas = [stanza for path in files if path.is_file() for stanza in read(path)]
    if not stanzas:
        where = named or f"{apt}/sources.list and {apt}/sources.list.d"
        raise UnavailableError(f"no apt source is in {where}: add the distribution's, or name a file with {VARIABLE}")
    if named:
        return stanzas
    _, codename = release()
    ours = [s for s in stanzas if codename and any(x.startswith(codename) for x in s["Suites"].split())]
    return ours or stanzas


def read(path: Path) -> list[Stanza]:
    """The enabled sources of binary packages in a file, of the one-line style or deb822 (`.sources`)."""
    if path.suffix not in (".sources", ".list"):
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    stanzas = _deb822(text) if path.suffix == ".sources" else _one_line(text)
    return [
        stanza
        for stanza in stanzas
        if stanza.get("Enabled", "yes").lower() not in ("no", "false", "0")
        and "deb" in stanza.get("Types", "").split()
        and stanza.get("URIs")
        and stanza.get("Suites")
    ]


def text(stanzas: Iterable[Stanza], arch: str, suite: str = "") -> str:
    """A `.sources` file of those that are for `arch`, where some are for others.

    With `suite`, the distribution's main entry is added with that suite in its place.
    """
    stanzas = list(stanzas)
    fitting = [s for s in stanzas if arch in s.get("Architectures", arch).split()] or stanzas
    kept = [{**stanza, "Types": "deb", "Architectures": arch} for stanza in fitting]
    if suite and not any(suite in stanza["Suites"].split() for stanza in kept):
        _, codename = release()
        main = next((s for s in kept if codename in s["Suites"].split()), kept[0])
        kept.append({**main, "Suites": suite})
    return "\n".join("".join(f"{key}: {value}\n" for key, value in stanza.items()) for stanza in kept)


def _deb822(text: str) -> list[Stanza]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    stanzas = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        stanza: Stanza = {}
        key = ""
        for line in paragraph.splitlines():
            if line[:1] in (" ", "\t") and key:
                stanza[key] += f"\n{line}"
            elif ":" in line:
                key, _, value = line.partition(":")
                key = {"suites": "Suites", "uris": "URIs", "types": "Types"}.get(key.lower(), key.strip())
                stanza[key] = value.strip()
        stanzas.append(stanza)
    return stanzas


def _one_line(text: str) -> list[Stanza]:
    stanzas = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.strip())
        if not match:
            continue
        stanza = {"Types": "deb", "URIs": match["uri"], "Suites": match["suite"]}
        if match["components"].strip():
            stanza["Components"] = match["components"].strip()
        for option in (match["options"] or "").split():
            key, _, value = option.partition("=")
            stanza[_LONG_NAMES.get(key, key.title())] = value.replace(",", " ")
        stanzas.append(stanza)
    return stanzas
