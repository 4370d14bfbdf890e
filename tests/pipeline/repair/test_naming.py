import re

from pipeline.repair.naming import exactly


def test_a_name_finds_itself_and_nothing_else() -> None:
    assert re.search(exactly("a.b;(1)"), "a.b;(1)")
    assert not re.search(exactly("a.b"), "aXb")
    assert not re.search(exactly("a"), "ab")
