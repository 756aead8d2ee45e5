"""Lists of nodes inside the file (groups, faults): names, ranges, `*` and `?`, and @groups written further up."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence

from bringup.inventory import names
from bringup.inventory.problems import did_you_mean, quoted


def matching(glob: str, known: Iterable[str]) -> list[str]:
    """The known names that a text with * and ? fits; other signs mean themselves."""
    safe = glob.replace("[", "[[]")
    return [name for name in known if fnmatch.fnmatchcase(name, safe)]


def is_glob(text: str) -> bool:
    """Whether the text has a * or ?."""
    return "*" in text or "?" in text


def find(item: str, known: Mapping[str, object], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The names that one item of a list stands for. Raises names.BadNames if it names something that is not there."""
    if item.startswith("@"):
        if item[1:] not in groups:
            raise names.BadNames(f"no group {quoted(item[1:])}{did_you_mean(item[1:], groups)}")
        return list(groups[item[1:]])
    if is_glob(item):
        if "[" in item:
            raise names.BadNames(f"{quoted(item)} has a range and a * or ?; use one of them")
        found = matching(item, known)
        if not found:
            raise names.BadNames(f"no node fits {quoted(item)}")
        return found
    found = names.expand(item)
    missing = [name for name in found if name not in known]
    if missing:
        raise names.BadNames(no_node(missing, known))
    return found


def no_node(missing: Sequence[str], known: Collection[str]) -> str:
    """That these nodes are not in the inventory, with the nearest name."""
    word = "node" if len(missing) == 1 else "nodes"
    return f"no {word} {names.folded(missing)}{did_you_mean(missing[0], known)}"


def find_all(text: str, known: Mapping[str, object], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of a whole list, each once, in the order of `known`. Raises names.BadNames."""
    wanted = {name for item in names.split(text) for name in find(item, known, groups)}
    return [name for name in known if name in wanted] if len(wanted) > 1 else list(wanted)
