"""Something that is worked out once, until what it is made of has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Keeps the last value, and for what it was made."""

    def __init__(self) -> None:
        self._kept: tuple[Hashable, T] | None = None

    def of(self, made_for: Hashable, make: Callable[[], T]) -> T:
        """The kept value if it was made for the same, else a new one."""
        if self._kept is None or self._kept[0] != made_for:
            self._kept = (made_for, make())
        return self._kept[1]
