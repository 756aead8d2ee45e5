"""An inventory from nothing but names: `gpu-[001-016]`, a host list, or a file of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bringup.inventory import names, tree
from bringup.inventory.loading import parse, safe_name
from bringup.inventory.problems import Problems, quoted
from bringup.inventory.types import Inventory


def from_names(text: str) -> Inventory:
    """The inventory of a list of names and ranges, or of a file of them (`@hosts.txt`). Raises InventoryError.

    One line or many; `#` begins a comment. In a list of several lines, words with a `=` after the name are passed
    over, so that an MPI host file (`gpu-001 slots=8`) can be used as it is.
    """
    if text.startswith("@"):
        path = Path(text[1:])
        return _build(_read(path), path, safe_name(path.stem))
    return _build(text, Path("the given names"), "ad-hoc")


def _read(path: Path) -> str:
    problems = Problems(str(path))
    data = b""
    try:
        with path.open("rb") as file:
            data = file.read(tree.MOST_BYTES + 1)
        if len(data) > tree.MOST_BYTES:
            problems.add(None, f"is larger than {tree.MOST_BYTES >> 20} MiB")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text")
    except (OSError, ValueError) as error:
        problems.add(None, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    problems.raise_any()
    return text


def _build(text: str, path: Path, name: str) -> Inventory:
    problems = Problems(str(path))
    lines: dict[str, int] = {}
    written: list[str] = []
    several = "\n" in text
    for number, line in enumerate(text.split("\n"), start=1):
        for item in _items(line.split("#")[0], number, several, problems):
            try:
                for found in names.expand(item, names.MOST_NODES - len(lines)):
                    if found in lines:
                        also = f"also line {lines[found]}" if lines[found] != number else "in this line"
                        problems.once(number, found, f"{found} appears twice ({also})")
                    lines.setdefault(found, number)
                written.append(item)
            except names.BadNames as bad:
                problems.add(number, str(bad))
    if not lines and not len(problems):
        problems.add(None, "no names in it; give for example gpu-[001-016]")
    problems.raise_any()
    return _as_file(written, path, name)


def _items(line: str, number: int, several: bool, problems: Problems) -> Sequence[str]:
    try:
        items = names.split(line)
    except names.BadNames as bad:
        problems.add(number, str(bad))
        return ()
    found = [i for i in items if not (several and "=" in i)]
    if items and not found:
        problems.add(number, f"{quoted(line.strip())} has no name")
    return found


def _as_file(written: Sequence[str], path: Path, name: str) -> Inventory:
    """The same as a file would say it, so that the run keeps an inventory that can be read again."""
    listed = "".join(f'\n      - "{item}"' for item in written)
    data = f"name: {name}\nnodes:\n  - names:{listed}\n".encode()
    return parse(data, path)
