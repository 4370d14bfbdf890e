"""The fewest of some ranked layers that must be kept: a bisection on their number, then one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Passes = Callable[[tuple[str, ...]], bool]


def fewest(ranked: Sequence[str], passes: Passes, most: int) -> tuple[str, ...] | None:
    """The first so many of `ranked`, the worst first, with which it passes; none where `most` of them do not help.

    Doubles the number until it passes, then bisects: about 2 log2(answer) questions.
    """
    limit = min(most, len(ranked))
    fails, tried = 0, 1
    while tried <= limit and not passes(tuple(ranked[:tried])):
        fails, tried = tried, tried * 2
    if tried > limit:
        if fails >= limit or not passes(tuple(ranked[:limit])):
            return None
        tried = limit
    while tried - fails > 1:
        middle = (tried + fails) // 2
        if passes(tuple(ranked[:middle])):
            tried = middle
        else:
            fails = middle
    return tuple(ranked[:tried])


def without_needless(kept: tuple[str, ...], passes: Passes, budget: int) -> tuple[str, ...]:
    """`kept` without those single layers that it passes without, the least sensitive tried first, `budget` questions.

    The last one is not asked about: the bisection has shown that it is needed.
    """
    for name in list(reversed(kept[:-1]))[:budget]:
        fewer = tuple(other for other in kept if other != name)
        if passes(fewer):
            kept = fewer
    return kept
