"""Debian packages unpacked into a folder, without root and without touching the system's own packages.

apt works on a state of its own with the machine's configuration (proxies, certificates, keys, pins) and the
machine's own sources; its hooks and the extra indices that desktops want are left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from converters.devices import sources
from converters.errors import DiskFullError, UnavailableError

Say = Callable[[str], None]
TIMEOUT_S = 900.0
STATUS = Path("/var/lib/dpkg/status")
MERGED = ("bin", "sbin", "lib", "lib64")
_INSTALL = re.compile(r"^Inst (\S+)(?: \[[^\]]*\])? \((\S+)", re.MULTILINE)
_NOT_OURS = re.compile(r"Invoke|^(DPkg|APT::Architecture|APT::Default-Release|Dir::Cache|Dir::State)\b")
_INDEX = re.compile(r"^Acquire::IndexTargets::(?!deb::Packages\b)[\w-]+::")
_BLAME = re.compile(r"^[EW]: (.*)$", re.MULTILINE)
_UNKNOWN = re.compile(r"Unable to locate package|no installation candidate|has no candidate|Couldn't find any package")


def unpack(
    packages: Sequence[str],
    folder: Path,
    arch: str = "",
    suite: str = "",
    say: Say = lambda _: None,
    *,
    alone: bool = False,
) -> dict[str, str]:
    """Versions by name of what was unpacked into `folder`: the packages, and all that they need and the system lacks.

    `arch` is a Debian name (`arm64`); empty is the machine's own. For a foreign one, all that is needed is unpacked.
    `suite` (`bookworm-backports`) is preferred where it is given; it is added to the machine's sources.
    `alone` leaves out what the packages need: for a file of a package that wants none of it.
    Nothing runs as the packages' installation would: no scripts, no alternatives, no users.

    Raises:
        UnavailableError: no apt here, no network, no such package, or packages that do not fit together.
        DiskFullError: no space is left.
    """
    asked = ", ".join(packages)
    require_tools(asked)
    own = _output(["dpkg", "--print-architecture"]).strip()
    arch = arch or own
    with tempfile.TemporaryDirectory(prefix="edge-export-apt-") as temporary:
        state = Path(temporary)
        environment = _configure(state, arch, suite, foreign=arch != own)
        say(f"reading the package lists for {arch}{f' of {suite}' if suite else ''}")
        _apt(["update"], environment, f"the package lists for {arch} cannot be read")
        chosen = _closure(packages, environment, arch, suite)
        if alone:
            chosen = {name: version for name, version in chosen.items() if name in packages}
        say(
            f"downloading {len(chosen)} packages: {asked}{' and what they need' if len(chosen) > len(packages) else ''}"
        )
        downloads = state / "downloads"
        downloads.mkdir()
        names = [f"{name}={version}" for name, version in chosen.items()]
        _apt(["download", *names], environment, f"{asked} cannot be downloaded", cwd=downloads)
        say(f"unpacking {len(chosen)} packages")
        for name in MERGED:
            (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
            if not (folder / name).exists():
                (folder / name).symlink_to(f"usr/{name}")
        for package in sorted(downloads.glob("*.deb")):
            _extract(package, folder)
    return chosen


def require_tools(asked: str) -> None:
    """Raises UnavailableError where this is no Debian or one of its kin."""
    lacking = [tool for tool in ("apt-get", "apt-config", "dpkg", "dpkg-deb", "tar") if not shutil.which(tool)]
    if lacking:
        raise UnavailableError(
            f"{asked}: unpacked from Debian packages, and this machine has no {', '.join(lacking)}; "
            "run this on Debian or Ubuntu, or in a container of one"
        )


def _configure(state: Path, arch: str, suite: str, foreign: bool) -> dict[str, str]:
    """The environment of an apt that has its own state and takes the machine's settings and sources."""
    kept = [
        line
        for line in _output(["apt-config", "dump"]).splitlines()
        if line and not _NOT_OURS.search(line) and not _INDEX.search(line)
    ]
    for name in ("lists/partial", "cache/archives/partial", "nothing"):
        (state / name).mkdir(parents=True)
    (state / "sources.sources").write_text(sources.text(sources.found(), arch, suite), encoding="utf-8")
    status = "" if foreign or not STATUS.is_file() else STATUS.read_text(encoding="utf-8", errors="replace")
    (state / "status").write_text(status, encoding="utf-8")
    ours = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": state / "sources.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Default-Release": suite,
        "APT::Sandbox::User": "root",  # else root gives its rights away and cannot write to our folder
        "APT::Update::Error-Mode": "any",  # a list that could not be fetched is an error, not a remark
        "APT::Get::List-Cleanup": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    kept += [f'{key} "{value}";' for key, value in ours.items() if value != ""]
    (state / "apt.conf").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return {**os.environ, "APT_CONFIG": str(state / "apt.conf"), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _closure(packages: Sequence[str], environment: dict[str, str], arch: str, suite: str) -> dict[str, str]:
    wish = ["install", "--simulate", "--no-install-recommends", "--reinstall", "--allow-downgrades", *packages]
    answer = _apt(wish, environment, f"{', '.join(packages)} for {arch}{f' of {suite}' if suite else ''} cannot be had")
    chosen = dict(_INSTALL.findall(answer))
    lost = [name for name in packages if name.partition("=")[0] not in chosen]
    if lost:
        raise UnavailableError(f"apt finds no package {', '.join(lost)} to download for {arch}")
    return chosen


def _extract(package: Path, folder: Path) -> None:
    """As `dpkg-deb -x`, which would put a folder where /lib is a link to /usr/lib."""
    wrong = f"{package.name} cannot be unpacked"
    with tempfile.TemporaryFile() as files:
        _run(["dpkg-deb", "--fsys-tarfile", str(package)], None, wrong, output=files)
        files.seek(0)
        options = ["--keep-directory-symlink", "--no-same-owner", "--directory", str(folder)]
        _run(["tar", "-x", *options], None, wrong, given=files)


def _apt(arguments: list[str], environment: dict[str, str], wrong: str, cwd: Path | None = None) -> str:
    return _run(["apt-get", "--quiet", "--assume-yes", *arguments], environment, wrong, cwd)


def _output(command: list[str]) -> str:
    return _run(command, None, f"{command[0]} fails")


def _run(
    command: list[str],
    environment: dict[str, str] | None,
    wrong: str,
    cwd: Path | None = None,
    given: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
) -> str:
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=cwd,
            stdin=given or subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{wrong}: {command[0]} was not done after {TIMEOUT_S:.0f} s; try again") from error
    answer = (done.stdout or b"").decode(errors="replace")
    if done.returncode == 0:
        return answer
    said = done.stderr.decode(errors="replace") + answer
    if "No space left on device" in said:
        raise DiskFullError(f"{wrong}: no space is left; free some and run again")
    raise UnavailableError(f"{wrong}: {_cause(said)}")


def _cause(said: str) -> str:
    reasons = list(dict.fromkeys(reason.strip() for reason in _BLAME.findall(said))) or ["it does not say why"]
    advice = "see whether the network and the apt sources of this machine work (apt-get update)"
    if _UNKNOWN.search(said):
        advice = (
            f"the machine's apt sources do not have it; sources that do (Ubuntu keeps foreign architectures in another "
            f"archive) can be given as a file with {sources.VARIABLE}"
        )
    return f"{'; '.join(reasons[:3])}; {advice}"
