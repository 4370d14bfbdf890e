from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from debian_archive import Archive

from converters.devices import debian, sources
from converters.errors import DiskFullError, UnavailableError

FOREIGN = "riscv64"  # no machine that runs these tests


@pytest.fixture
def archive(tmp_path, not_run):
    if not shutil.which("apt-get"):
        not_run("needs apt: run on Debian or Ubuntu", ci_installs_it=False)
    return Archive(tmp_path / "archive")


@pytest.fixture
def unpack(archive, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()

    def run(*packages, arch=FOREIGN, suite="", of=("tests",), say=lambda _: None):
        monkeypatch.setenv(sources.VARIABLE, str(archive.write(*of)))
        return debian.unpack(packages, folder, arch, suite, say)

    run.folder = folder
    return run


def own_architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_foreign_package_comes_with_all_that_it_needs(archive, unpack):
    archive.add("base", {"usr/lib/base.txt": "base"}, FOREIGN)
    archive.add("tool", {"usr/bin/tool": "#!/bin/sh\n"}, FOREIGN, depends="base")
    archive.add("stranger", {"usr/lib/stranger.txt": "no"}, FOREIGN)
    said: list[str] = []
    assert unpack("tool", say=said.append) == {"base": "1.0", "tool": "1.0"}
    assert (unpack.folder / "usr/lib/base.txt").read_text() == "base"
    assert os.access(unpack.folder / "usr/bin/tool", os.X_OK)
    assert not (unpack.folder / "usr/lib/stranger.txt").exists()
    assert said == [
        "reading the package lists for riscv64",
        "downloading 2 packages: tool and what they need",
        "unpacking 2 packages",
    ]


def test_lib_and_usr_lib_are_one_as_on_a_system(archive, unpack):
    archive.add("old", {"lib/old.txt": "old", "bin/old": "#!/bin/sh\n"}, FOREIGN)
    archive.add("new", {"usr/lib/new.txt": "new"}, FOREIGN)
    unpack("old", "new")
    assert (unpack.folder / "lib").is_symlink()
    assert (unpack.folder / "usr/lib/old.txt").read_text() == "old"
    assert (unpack.folder / "lib/new.txt").read_text() == "new"
    assert (unpack.folder / "usr/bin/old").exists()


def test_of_this_architecture_only_what_the_system_lacks_is_added(archive, unpack):
    own = own_architecture()
    archive.add("lacking", {"usr/lib/lacking.txt": "l"}, own)
    archive.add("tool", {"usr/lib/tool.txt": "t"}, own, depends="lacking, dpkg")
    assert unpack("tool", arch="") == {"lacking": "1.0", "tool": "1.0"}


def test_a_package_that_the_system_has_is_unpacked_when_it_is_asked_for(archive, unpack):
    ask = ["dpkg-query", "--show", "--showformat", "${Version}", "dpkg"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    archive.add("dpkg", {"usr/lib/it.txt": "dpkg"}, own_architecture(), version=version)
    assert unpack("dpkg", arch="") == {"dpkg": version}
    assert (unpack.folder / "usr/lib/it.txt").exists()


def test_a_suite_is_preferred_where_it_is_given(archive, unpack):
    archive.add("tool", {"usr/lib/tool.txt": "old"}, FOREIGN, "7.2")
    archive.add("tool", {"usr/lib/tool.txt": "new"}, FOREIGN, "10.0", suite="tests-backports")
    assert unpack("tool", of=("tests", "tests-backports")) == {"tool": "7.2"}
    assert unpack("tool", suite="tests-backports") == {"tool": "10.0"}
    assert (unpack.folder / "usr/lib/tool.txt").read_text() == "new"


def test_a_package_that_does_not_exist_is_named(archive, unpack):
    archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN)
    with pytest.raises(UnavailableError, match="nothing-such for riscv64 cannot be had: Unable to locate package"):
        unpack("tool", "nothing-such")
    with pytest.raises(UnavailableError, match=f"tool for s390x cannot be had: .*{sources.VARIABLE}"):
        unpack("tool", arch="s390x")
    assert list(unpack.folder.iterdir()) == []


def test_a_package_whose_needs_are_nowhere_says_so(archive, unpack):
    archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN, depends="gone (>= 2)")
    with pytest.raises(UnavailableError, match=r"tool for riscv64 cannot be had: .*apt-get update"):
        unpack("tool")


def test_a_package_with_other_bytes_than_the_list_says_is_refused(archive, unpack):
    package = archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN)
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(bytes(data))
    with pytest.raises(UnavailableError, match="tool cannot be downloaded: .*(Hash Sum|unexpected size|mismatch)"):
        unpack("tool")


def test_an_archive_that_does_not_answer_is_said(archive, unpack, monkeypatch):
    archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN)
    away = archive.folder / "away.sources"
    away.write_text("Types: deb\nURIs: http://127.0.0.1:9/debian\nSuites: tests\nComponents: main\nTrusted: yes\n")
    monkeypatch.setattr(archive, "write", lambda *_: away)
    with pytest.raises(UnavailableError, match=r"package lists for riscv64 cannot be read: .*see whether the network"):
        unpack("tool")


def test_a_machine_without_apt_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"this machine has no apt-get, .*run this on Debian or Ubuntu"):
        debian.unpack(["tool"], tmp_path)


def test_a_full_disk_is_one(archive, unpack, tmp_path, monkeypatch):
    archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN)
    full = tmp_path / "bin" / "tar"
    full.parent.mkdir()
    full.write_text("#!/bin/sh\necho 'tar: write error: No space left on device' >&2\nexit 2\n")
    full.chmod(0o755)
    monkeypatch.setenv("PATH", f"{full.parent}:{os.environ['PATH']}")
    with pytest.raises(DiskFullError, match="no space is left"):
        unpack("tool")


def test_the_system_s_own_state_is_not_touched(archive, unpack):
    lists = Path("/var/lib/apt/lists")
    before = {path: path.stat().st_mtime_ns for path in (lists, debian.STATUS) if path.exists()}
    archive.add("tool", {"usr/lib/tool.txt": "t"}, FOREIGN)
    unpack("tool")
    assert {path: path.stat().st_mtime_ns for path in before} == before
