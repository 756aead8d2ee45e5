"""Each text is parsed once: the checks of a node read the same answers, and many nodes print the same words.

What is remembered is bounded by the size of the texts and not by their number, because one kernel log may be as long
as the answers of a hundred nodes. A text that raises is not remembered. What a parser returns is shared, so a parser
that is remembered returns what nobody can change (tuples, frozen data, a `Mapping`).

A long text that comes again in later stages, when those of all other nodes have been read in between, is known by its
digest: then only what was made of it is held.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST_CHARS = 16 << 20
_BESIDE = 200
"""What an entry counts beside its text, so that the number of short ones is bounded as well."""


def remembered(parse: Callable[P, T]) -> Callable[P, T]:
    """The parser, which gives again what it gave to the same texts. Arguments by position only; from any thread."""
    kept: OrderedDict[tuple[Hashable, ...], T] = OrderedDict()
    lock = threading.Lock()
    held = 0

    @wraps(parse)
    def known(*args: P.args, **kwargs: P.kwargs) -> T:
        nonlocal held
        key: tuple[Hashable, ...] = args
        with lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        found = parse(
            *args, **kwargs
        )  # without the lock: two threads may parse the same text, to the same end
        with lock:
            if key not in kept:
                held += _size(key)
            kept[key] = found
            while held > MOST_CHARS:
                held -= _size(kept.popitem(last=False)[0])
        return found

    return known


def remembered_long(
    results: int,
) -> Callable[[Callable[[bytes, bytes, int | None], T]], Callable[[bytes, bytes, int | None], T]]:
    """As `remembered`, for a parser of an answer (output, errors, status): beyond the texts, so many results are held."""

    def decorated(parse: Callable[[bytes, bytes, int | None], T]) -> Callable[[bytes, bytes, int | None], T]:
        made: OrderedDict[tuple[bytes, bytes, int | None], T] = OrderedDict()
        lock = threading.Lock()

        @remembered
        @wraps(parse)
        def known(stdout: bytes, stderr: bytes, status: int | None) -> T:
            key = (hashlib.sha256(stdout).digest(), hashlib.sha256(stderr).digest(), status)
            with lock:
                if key in made:
                    made.move_to_end(key)
                    return made[key]
            found = parse(stdout, stderr, status)
            with lock:
                made[key] = found
                while len(made) > results:
                    made.popitem(last=False)
            return found

        return known

    return decorated


def _size(key: tuple[Hashable, ...]) -> int:
    return _BESIDE + sum(len(part) for part in key if isinstance(part, str | bytes))
