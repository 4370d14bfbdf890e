"""Makes .venv from a lock in requirements/, with uv, from nothing but a Python: `bootstrap.py --set all`.

Standard library only. It finds uv or fetches it into .tools/, installs the locked set with hashes checked, and the
project itself as an editable. What is there already counts: a larger set serves a smaller wish, an unchanged lock
means nothing to do. An interrupted installation is started afresh, two at once wait for each other.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(".venv")
TOOLS = Path(".tools")
STATE = "edge-export.json"  # in the environment: what it holds; written last

SETS = {  # a set, those that it serves, and the disk it takes in GB
    "core": (("core",), 0.3),
    "torch": (("core", "torch"), 5.2),
    "tensorflow": (("core", "tensorflow"), 2.0),
    "all": (("core", "torch", "tensorflow", "all"), 6.5),
    "dev": (("core", "torch", "tensorflow", "all", "dev"), 6.6),
}
CUDA_GB = 3.8  # of these, where the torch build comes without them
FRAMEWORKS = ("torch", "tensorflow", "both")
OLDEST_UV = (0, 8)
USAGE, UNAVAILABLE, WORKSPACE, INTERRUPTED = 2, 7, 8, 130  # the exit codes of converters/errors.py


class SetupError(Exception):
    """A message for the user and the exit code of its kind."""

    def __init__(self, message: str, exit_code: int = UNAVAILABLE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def say(text: str) -> None:
    """Writes a line for the user; stdout is kept for the command that follows."""
    sys.stderr.write(f"[setup] {text}\n")
    sys.stderr.flush()


def check_names(root: Path, target: str, framework: str) -> None:
    """Refuses what does not exist before gigabytes are installed for it.

    Raises:
        SetupError: no such target or framework, with those that exist.
    """
    with (root / "configs" / "targets.toml").open("rb") as stream:
        targets = {name: table["title"] for name, table in tomllib.load(stream).items()}
    targets["all"] = "every target above"
    wanted = [name for name in target.split(",") if name]
    unknown = [name for name in wanted if name not in targets]
    if unknown or not wanted:
        asked = f"there is no target {unknown[0]!r}" if unknown else "TARGET is not given"
        lines = "\n".join(f"  make export TARGET={name:<12} {title}" for name, title in targets.items())
        raise SetupError(f"{asked}; choose one:\n{lines}", USAGE)
    if framework not in FRAMEWORKS:
        raise SetupError(f"there is no framework {framework!r}; FRAMEWORK is one of {', '.join(FRAMEWORKS)}", USAGE)


def join(installed: str, wanted: str) -> str:
    """The smallest set that serves both, so that going to and fro does not reinstall."""
    both = {installed, wanted} - {""}
    return next(name for name, (serves, _) in SETS.items() if both <= set(serves))


def fingerprint(root: Path, name: str, backend: str) -> dict[str, str]:
    """What an installed environment is known by."""

    def sha256(path: str) -> str:
        return hashlib.sha256((root / path).read_bytes()).hexdigest()

    lock, project = sha256(f"requirements/{name}.lock"), sha256("pyproject.toml")
    return {"set": name, "lock": lock, "project": project, "torch_backend": backend}


def without_torch(lock: str) -> tuple[str, str]:
    """The lock without torch and the CUDA packages that only its public Linux wheel needs; and torch's version."""
    blocks = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    torch = next(match[1] for block in blocks if (match := re.match(r"torch==(\S+)", block)))
    left_out = re.compile(r"(torch|nvidia-[\w-]+|cuda-[\w-]+)==")
    return "".join(block for block in blocks if not left_out.match(block)), torch


def uv_works(command: str) -> bool:
    """Whether `command` is a uv that is new enough; a version manager's shim may be there and not work."""
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return done.returncode == 0 and version is not None and (int(version[1]), int(version[2])) >= OLDEST_UV


def find_uv(root: Path) -> str:
    """A working uv: $UV, the one on PATH, or one that is fetched into .tools/."""
    own = root / TOOLS / "uv" / "bin" / "uv"
    for candidate in (os.environ.get("UV", ""), shutil.which("uv") or "", str(own)):
        if candidate and uv_works(candidate):
            return candidate
    say(f"uv is not here; fetching it into {TOOLS}/ (35 MB)")
    tries = []
    for pip in pips(root):
        fresh = root / TOOLS / "uv.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
        command = [*pip, *options, "--target", str(fresh), "-r", str(root / "requirements" / "uv.lock")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and uv_works(str(fresh / "bin" / "uv")):
            shutil.rmtree(root / TOOLS / "uv", ignore_errors=True)
            fresh.rename(root / TOOLS / "uv")
            return str(own)
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        tries.append(f"  {' '.join(pip)}: {last[0]}")
    raise SetupError(
        "uv could not be installed; tried\n" + "\n".join(tries) + "\nInstall uv, or pip for this Python "
        "(Debian and Ubuntu: apt-get install python3-pip), and run the same command again."
    )


def pips(root: Path) -> Iterator[list[str]]:
    """Ways to run a pip, the least intrusive first."""
    yield [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if shutil.which(name):
            yield [name]
    venv = root / TOOLS / "pip"
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, check=False)
    if made.returncode == 0:
        yield [str(venv / "bin" / "python"), "-m", "pip"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("this Python has no pip; installing the system package python3-pip with apt-get")
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*apt, "update"], **quiet, env=environment)
        subprocess.run([*apt, "install", "-y", "--no-install-recommends", "python3-pip"], **quiet, env=environment)
        yield ["/usr/bin/python3", "-m", "pip"]


def run_uv(uv: str, root: Path, *arguments: str, **environment: str) -> None:
    """Runs uv with its progress on the terminal.

    Raises:
        SetupError: it failed; its own message stands above.
    """
    kept = {key: value for key, value in os.environ.items() if key not in ("UV_TORCH_BACKEND", "VIRTUAL_ENV")}
    command, variables = [uv, *arguments], {**kept, **environment}  # its words go to stderr, like ours
    done = subprocess.run(command, cwd=root, env=variables, stdout=2, close_fds=False, check=False)
    if done.returncode != 0:
        raise SetupError(f"`uv {' '.join(arguments)}` failed with exit code {done.returncode}; its message is above")


CORE_PACKAGES = ("click", "filelock", "jinja2", "numpy", "PIL", "psutil", "rich", "safetensors", "typer", "pygments")


def install(uv: str, root: Path, name: str, backend: str) -> None:
    """Makes .venv hold exactly the set `name`, and the project."""
    python = str(VENV / "bin" / "python")
    lock = f"requirements/{name}.lock"
    torch = ""
    if backend and "torch" in SETS[name][0]:
        rest, torch = without_torch((root / lock).read_text(encoding="utf-8"))
        lock = str(TOOLS / f"{name}-without-torch.lock")
        (root / lock).write_text(rest, encoding="utf-8")
    run_uv(uv, root, "pip", "sync", "--require-hashes", "--python", python, lock)
    if torch:  # other builds of torch have other hashes: the version is pinned, the bytes are the index's word
        pinned = f"torch=={torch}"
        run_uv(uv, root, "pip", "install", "--no-deps", "--python", python, pinned, UV_TORCH_BACKEND=backend)
    project = ["--quiet", "--no-deps", "--no-build-isolation", "--python", python, "--editable", "."]
    run_uv(uv, root, "pip", "install", *project)
    compile_core(root)


def compile_core(root: Path) -> None:
    """Compiles what every command loads, so that the first start is as quick as the next.

    It is so also where Python is told to write no bytecode. What does not compile is slower, not wrong.
    """
    packages = next((root / VENV / "lib").glob("python3*/site-packages"), root)
    places = [str(packages / name) for name in CORE_PACKAGES if (packages / name).is_dir()]
    places += [str(root / name) for name in ("pipeline", "converters") if (root / name).is_dir()]
    command = [str(root / VENV / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", *places]
    with contextlib.suppress(OSError):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


def installed(venv: Path) -> dict[str, str]:
    """The fingerprint of the environment at `venv`; empty when there is none, or one that was never finished."""
    if not (venv / "bin" / "python").exists():
        return {}
    try:
        found = json.loads((venv / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        say(f"{venv.name} was not finished; it is made afresh")
        return {}
    return found if isinstance(found, dict) and found.get("set") in SETS else {}


def ensure(root: Path, wanted: str, environment: Mapping[str, str]) -> None:
    """Makes .venv serve `wanted`, or finds that it does.

    Raises:
        SetupError: no uv, no space, or an installation that failed.
    """
    backend = environment.get("UV_TORCH_BACKEND", "")
    venv = root / VENV
    found = installed(venv)
    name = join(found.get("set", ""), wanted)
    target = fingerprint(root, name, backend)
    if found == target:
        stamp(venv, name, backend)
        return
    need = SETS[name][1] - (CUDA_GB if backend and "torch" in SETS[name][0] else 0)
    free = shutil.disk_usage(root).free / 1e9
    if not found and free < need:
        raise SetupError(f"the environment needs {need:g} GB, {root} has {free:.1f} GB free; free some", WORKSPACE)
    say(f"making {VENV} ({name}: up to {need:g} GB, once; later runs find it)")
    uv = find_uv(root)
    for old in venv.glob(".ready-*"):
        old.unlink()
    if not found:  # nothing, or what an interrupted installation left
        run_uv(uv, root, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
    (venv / STATE).unlink(missing_ok=True)
    install(uv, root, name, backend)
    (venv / STATE).write_text(json.dumps(target, indent=1), encoding="utf-8")
    stamp(venv, name, backend)
    say("the environment is ready")


def stamp(venv: Path, name: str, backend: str) -> None:
    """Marks every set that .venv serves as made now, for make to compare with its locks."""
    for served in SETS[name][0]:
        (venv / f".ready-{served}{backend and '-' + backend}").touch()


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Waits until no other process installs into this folder."""
    (root / TOOLS).mkdir(exist_ok=True)
    with (root / TOOLS / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)  # a uv that outlives this process keeps the folder locked
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is making the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str], root: Path = ROOT) -> int:
    """The exit code; messages go to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=SETS, default="dev", help="what to install (default: %(default)s)")
    parser.add_argument("--uv", action="store_true", help="only print where uv is, fetching it when it is missing")
    parser.add_argument("--target", help="refuse first, when it does not exist")
    parser.add_argument("--framework", default="both", help="refuse first, when it does not exist")
    options = parser.parse_args(arguments)
    try:
        if options.target is not None:
            check_names(root, options.target, options.framework)
        with alone(root):
            if options.uv:
                sys.stdout.write(find_uv(root) + "\n")
                return 0
            ensure(root, options.set, os.environ)
    except SetupError as error:
        say(f"error: {error}")
        return error.exit_code
    except OSError as error:
        say(f"error: {error}")
        return WORKSPACE
    except KeyboardInterrupt:
        say("interrupted; the next run starts the environment afresh")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
