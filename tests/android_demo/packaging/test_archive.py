from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from android_demo.packaging import archive
from android_demo.packaging.archive import Content

CONTENTS = [
    Content("AndroidManifest.xml", b"manifest" * 50),
    Content("resources.arsc", b"table", archive.WORD),
    Content("lib/arm64-v8a/libone.so", b"library" * 3000, archive.PAGE),
    Content("assets/bundle/größe.tflite", b"model" * 9, archive.MODEL),
    Content("lib/arm64-v8a/libtwo.so", b"library", archive.PAGE),
]


def test_stored_entries_lie_where_they_were_asked_to(tmp_path: Path):
    archive.write(tmp_path / "a.apk", CONTENTS)
    found = {entry.name: entry for entry in archive.entries(tmp_path / "a.apk")}
    assert [entry.stored for entry in found.values()] == [bool(content.align) for content in CONTENTS]
    data = (tmp_path / "a.apk").read_bytes()
    for content in CONTENTS:
        entry = found[content.name]
        assert entry.size == len(content.data)
        if content.align:
            assert entry.offset % content.align == 0
            assert data[entry.offset : entry.offset + entry.size] == content.data


def test_every_zip_reader_reads_it(tmp_path: Path):
    archive.write(tmp_path / "a.apk", CONTENTS)
    with zipfile.ZipFile(tmp_path / "a.apk") as opened:
        assert opened.testzip() is None
        assert {info.filename: opened.read(info) for info in opened.infolist()} == {c.name: c.data for c in CONTENTS}


def test_equal_contents_give_equal_bytes(tmp_path: Path):
    archive.write(tmp_path / "a.apk", CONTENTS)
    archive.write(tmp_path / "b.apk", list(CONTENTS))
    assert (tmp_path / "a.apk").read_bytes() == (tmp_path / "b.apk").read_bytes()


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"two files want to be AndroidManifest\.xml"):
        archive.write(tmp_path / "a.apk", [CONTENTS[0], CONTENTS[0]])


def test_a_signing_block_is_left_out_of_comparisons(tmp_path: Path):
    plain, signed = tmp_path / "plain.apk", tmp_path / "signed.apk"
    archive.write(plain, CONTENTS)
    data = plain.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    directory = int.from_bytes(data[end + 16 : end + 20], "little")
    inside = b"a signature " * 4
    size = (len(inside) + 24).to_bytes(8, "little")
    block = size + inside + size + b"APK Sig Block 42"
    moved = (directory + len(block)).to_bytes(4, "little")
    signed.write_bytes(data[:directory] + block + data[directory : end + 16] + moved + data[end + 20 :])
    assert archive.unsigned(signed) == archive.unsigned(plain)
    plain.write_bytes(data.replace(b"table", b"fable"))
    assert archive.unsigned(signed) != archive.unsigned(plain)


def test_what_is_no_archive_is_refused(tmp_path: Path):
    (tmp_path / "a.apk").write_bytes(b"no zip at all")
    with pytest.raises(zipfile.BadZipFile, match=r"a\.apk is no zip archive"):
        archive.unsigned(tmp_path / "a.apk")
