"""Reads inventory texts in a test; all of them are invented, as an inventory is the product's own format."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from bringup.errors import InventoryError
from bringup.inventory import Inventory, parse

Read = Callable[..., Inventory]
Wrong = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str, known_profiles: Collection[str] | None = None) -> Inventory:
        return parse(textwrap.dedent(text).encode(), tmp_path / "hall.yaml", known_profiles=known_profiles)

    return read


@pytest.fixture
def wrong(tmp_path: Path) -> Wrong:
    """The problems of a text as a person reads them, without the headline."""

    def wrong(text: str | bytes, known_profiles: Collection[str] | None = None) -> list[str]:
        data = text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode()
        with pytest.raises(InventoryError) as error:
            parse(data, tmp_path / "hall.yaml", known_profiles=known_profiles)
        head, *lines = str(error.value).split("\n")
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        assert head == f"{tmp_path / 'hall.yaml'}: {count}, nothing was run"
        return [line.strip() for line in lines]

    return wrong
