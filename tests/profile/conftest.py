"""Writes profiles in a test; all of them are invented, as a profile is the product's own format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    def write(name: str, body: str = "", extends: str = "[]", folder: str = "") -> None:
        (tmp_path / folder).mkdir(exist_ok=True)
        head = f'name = "{name}"\ndescription = "invented"\nextends = {extends}\n'
        (tmp_path / folder / f"{name}.toml").write_text(head + body, encoding="utf-8")

    return write
