from __future__ import annotations

import pytest
from elf_files import X86_64, library

from android_demo.packaging import elf


def test_what_a_library_offers_needs_and_is_built_for():
    read = elf.read(library(("Java_a_B_c", "other"), ("libc.so", "liblog.so")))
    assert read == elf.Library("arm64-v8a", ("libc.so", "liblog.so"), frozenset({"Java_a_B_c", "other"}), 0x4000, True)


def test_the_abi_is_that_of_the_machine():
    assert elf.read(library(machine=X86_64)).abi == "x86_64"
    assert elf.read(library(machine=243)).abi == "machine 243"


def test_four_kb_pages_show():
    assert elf.read(library(align=0x1000)).aligned == 0x1000


def test_a_segment_that_cannot_be_mapped_shows():
    assert not elf.read(library(address=0x1000)).congruent
    assert elf.read(library(address=0x8000)).congruent


@pytest.mark.parametrize("data", [b"", b"PK\3\4" + bytes(100), b"\x7fELF\x01\x01" + bytes(100)])
def test_other_files_are_no_libraries(data: bytes):
    with pytest.raises(elf.NotALibrary, match="no 64-bit little-endian ELF"):
        elf.read(data)


@pytest.mark.parametrize("kept", [70, 130, 180, 260])
def test_a_library_that_is_cut_off_is_damaged(kept: int):
    with pytest.raises(elf.NotALibrary, match="damaged ELF file"):
        elf.read(library(("Java_a_B_c",))[:kept])
