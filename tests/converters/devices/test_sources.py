from __future__ import annotations

import pytest

from converters.devices import sources
from converters.errors import UnavailableError

ONE_LINE = """\
# deb http://archive.example/old old main
deb http://archive.example/debian {codename} main contrib  # the distribution's
deb [arch=amd64,i386 signed-by=/usr/share/keyrings/k.gpg] http://archive.example/extra {codename}-updates main
deb-src http://archive.example/debian {codename} main
"""
DEB822 = """\
# a remark
Types: deb deb-src
URIs: http://archive.example/debian
Suites: {codename} {codename}-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://archive.example/off
Suites: {codename}
Components: main
Enabled: no

Types: deb-src
URIs: http://archive.example/src
Suites: {codename}
Components: main
"""


@pytest.fixture(autouse=True)
def bookworm(monkeypatch):
    monkeypatch.setattr(sources, "release", lambda: ("debian", "bookworm"))


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_one_line_sources_are_read(apt):
    (apt / "sources.list").write_text(ONE_LINE.format(codename="bookworm"))
    first, second = sources.found(apt)
    assert (first["URIs"], first["Suites"]) == ("http://archive.example/debian", "bookworm")
    assert first["Components"] == "main contrib"
    assert (second["Architectures"], second["Signed-By"]) == ("amd64 i386", "/usr/share/keyrings/k.gpg")


def test_deb822_sources_are_read_with_keys_of_many_lines(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822.format(codename="bookworm"))
    (stanza,) = sources.found(apt)
    assert stanza["Signed-By"].splitlines()[1:] == [" -----BEGIN PGP PUBLIC KEY BLOCK-----", " .", " abc"]
    text = sources.text([stanza], "arm64")
    assert sources._deb822(text) == [{**stanza, "Types": "deb", "Architectures": "arm64"}]


def test_other_people_s_sources_are_left_out_where_the_distribution_has_its_own(apt):
    (apt / "sources.list").write_text(ONE_LINE.format(codename="bookworm"))
    (apt / "sources.list.d" / "other.list").write_text("deb http://other.example/x nodistro main\n")
    (apt / "sources.list.d" / "other.list.save").write_text("deb http://saved.example/x bookworm main\n")
    assert {stanza["URIs"] for stanza in sources.found(apt)} == {
        "http://archive.example/debian",
        "http://archive.example/extra",
    }
    (apt / "sources.list").unlink()
    assert [stanza["URIs"] for stanza in sources.found(apt)] == ["http://other.example/x"]


def test_a_suite_is_the_main_entry_again_with_that_suite(apt):
    (apt / "sources.list").write_text(ONE_LINE.format(codename="bookworm"))
    found = sources.found(apt)
    last = sources._deb822(sources.text(found, "amd64", "bookworm-backports"))[-1]
    assert (last["Suites"], last["URIs"]) == ("bookworm-backports", "http://archive.example/debian")
    assert len(sources._deb822(sources.text(found, "amd64", "bookworm-updates"))) == 2  # it is there already


def test_sources_of_other_architectures_are_left_out_unless_there_are_no_others():
    plain = {"Types": "deb", "URIs": "http://a.example", "Suites": "noble", "Components": "main"}
    ours = {**plain, "Architectures": "amd64 i386"}
    ports = {**plain, "URIs": "http://ports.example", "Architectures": "arm64"}
    assert "http://a.example" not in sources.text([ours, ports], "arm64")
    assert "http://ports.example" in sources.text([ours, ports], "arm64")
    assert "http://a.example" in sources.text([ours], "arm64")


def test_a_named_file_is_taken_in_place_of_the_machine_s(apt, monkeypatch):
    named = apt / "mine.sources"
    named.write_text("Types: deb\nURIs: http://mine.example\nSuites: anything\nComponents: main\n")
    monkeypatch.setenv(sources.VARIABLE, str(named))
    (apt / "sources.list").write_text(ONE_LINE.format(codename="bookworm"))
    assert [stanza["URIs"] for stanza in sources.found(apt)] == ["http://mine.example"]


def test_no_sources_are_an_error_that_says_where_it_looked(apt, monkeypatch):
    with pytest.raises(UnavailableError, match="no apt source is in .*sources.list and .*EDGE_EXPORT_APT_SOURCES"):
        sources.found(apt)
    monkeypatch.setenv(sources.VARIABLE, str(apt / "none.sources"))
    with pytest.raises(UnavailableError, match="no apt source is in .*none.sources"):
        sources.found(apt)
