"""The locks: one resolution, hashes everywhere, no address, every version that pyproject.toml names."""

from __future__ import annotations

import re
import tomllib

import pytest

from scripts import bootstrap

REQUIREMENTS = bootstrap.ROOT / "requirements"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(.*)$", flags=re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    """Versions by distribution; one distribution may have several, for different Pythons."""
    found: dict[str, set[str]] = {}
    for package, version, _ in PIN.findall((REQUIREMENTS / f"{name}.lock").read_text(encoding="utf-8")):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("name", [*bootstrap.SETS, "uv"])
def test_every_pin_has_hashes_and_no_address(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.lock").read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if block.strip()]
    assert blocks
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize("name", [name for name in bootstrap.SETS if name != "dev"])
def test_every_set_is_a_part_of_the_largest(name: str) -> None:
    largest = pins("dev")
    assert all(versions <= largest.get(package, set()) for package, versions in pins(name).items())


def test_the_sets_serve_what_they_say() -> None:
    for name, (served, _) in bootstrap.SETS.items():
        here = pins(name)
        for smaller in served:
            assert set(pins(smaller)) <= set(here), f"{name} says that it serves {smaller}"


def test_the_locks_hold_the_versions_of_the_extras() -> None:
    with (bootstrap.ROOT / "pyproject.toml").open("rb") as stream:
        extras = tomllib.load(stream)["project"]["optional-dependencies"]
    pinned = [text.partition(";")[0].strip() for extra in extras.values() for text in extra]
    wanted = [text.split("==") for text in pinned if "==" in text]
    assert len(wanted) > 8
    locked = pins("all")
    stale = [f"{name}=={version}" for name, version in wanted if locked.get(name) != {version}]
    assert not stale, f"run `make lock`: requirements/all.lock lacks {stale}"


def test_frameworks_stay_apart() -> None:
    assert "tensorflow-cpu" not in pins("torch")
    assert "torch" not in pins("tensorflow")
    assert not {"torch", "tensorflow-cpu"} & set(pins("core"))


@pytest.mark.parametrize("name", bootstrap.SETS)
def test_triton_is_installed_nowhere(name: str) -> None:
    for package, _, rest in PIN.findall((REQUIREMENTS / f"{name}.lock").read_text(encoding="utf-8")):
        assert package != "triton" or "sys_platform == 'never'" in rest
