"""A changed copy of a record, dataclass or Struct."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import msgspec

R = TypeVar("R")


def replace(record: R, **changes: Any) -> R:
    """The record with other values in some fields."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **changes)
    made: R = dataclasses.replace(record, **changes)  # type: ignore[type-var]
    return made
