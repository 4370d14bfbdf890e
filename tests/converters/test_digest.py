import hashlib

from converters.digest import digest


def test_digest_is_sha256_of_parts_with_their_lengths() -> None:
    expected = hashlib.sha256((2).to_bytes(8, "little") + b"ab" + (1).to_bytes(8, "little") + b"7").digest()
    assert digest(b"ab", 7) == expected


def test_where_a_part_ends_counts() -> None:
    assert len({digest(b"ab", b"c"), digest(b"a", b"bc"), digest(b"abc"), digest(b"abc", b"")}) == 4


def test_types_count() -> None:
    assert len({digest(1), digest(1.0), digest("1"), digest((1,)), digest(True)}) == 5
