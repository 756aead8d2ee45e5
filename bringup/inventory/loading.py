"""Reads an inventory file. Every mistake is collected and told at once; nothing in the file is ever run."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from bringup.errors import InventoryError, Problem
from bringup.inventory import cables, jumps, names, nodes, ready, shape, simulate, tree
from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.settings import KEYS, Known, Layer, Wrong, file, read
from bringup.inventory.tree import Value
from bringup.inventory.types import Inventory

TOP = (
    "name",
    "defaults",
    "jumps",
    "nodes",
    "groups",
    "hosts",
    "cables",
    "profiles",
    "simulate",
    "faults",
    "ready",
)
_ELSEWHERE = dict.fromkeys((*KEYS, "known_hosts"), "defaults")


def load(path: Path, *, known_profiles: Collection[str] | None = None, base: Path | None = None) -> Inventory:
    """The inventory of a file. Raises InventoryError with all its problems.

    `known_profiles` are the profiles that there are besides those in the inventory's own `profiles:` folders; without
    it neither the folders nor the names of profiles are looked up. `base` is the folder that relative paths count
    from, if it is not the file's own.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(tree.MOST_BYTES + 1)
    except OSError as error:
        raise InventoryError([Problem(str(path), None, f"cannot be read: {_why(path, error)}")]) from None
    return parse(data, path, known_profiles=known_profiles, base=base)


def _why(path: Path, error: OSError) -> str:
    why = (error.strerror or str(error)).lower()
    try:
        near = did_you_mean(path.name, sorted(p.name for p in path.parent.iterdir()))
    except OSError:
        near = ""
    return f"{why}{near}"


def parse(
    data: bytes, path: Path, *, known_profiles: Collection[str] | None = None, base: Path | None = None
) -> Inventory:
    """The inventory of a text that was read from `path`. Raises InventoryError with all its problems."""
    problems = Problems(str(path))
    try:
        root = tree.read(data, problems)
    except tree.BadTree as bad:
        problems.add(bad.line, bad.what)
        root = None
    else:
        if root is None:
            problems.add(None, "is empty; an inventory lists its nodes")
    if root is None:
        problems.raise_any()
        raise AssertionError("unreachable: an unread tree is a problem")
    top = shape.table(root, "", TOP, problems, _ELSEWHERE)
    found = _Reading(top, path, base or path.parent, problems).inventory(
        known_profiles, data.decode("utf-8-sig")
    )
    problems.raise_any()
    return found


class _Reading:
    """One file on its way to an Inventory."""

    def __init__(self, top: dict[str, Value], path: Path, base: Path, problems: Problems) -> None:
        self._top, self._path, self._base, self._problems = top, path, base, problems

    def inventory(self, known_profiles: Collection[str] | None, text: str) -> Inventory:
        top, problems = self._top, self._problems
        folders = self._folders(must_exist=known_profiles is not None)
        own = {found.stem for folder in folders for found in folder.glob("*.toml")}
        profiles = frozenset(known_profiles) | own if known_profiles is not None else None
        known = Known(jumps.read(top.get("jumps"), self._base, problems), profiles, self._base)
        defaults, known_hosts = self._defaults(known)
        seats = nodes.seats(top.get("nodes"), known, problems)
        groups, layers = nodes.groups(top.get("groups"), seats, known, problems)
        hosts = nodes.hosts(top.get("hosts"), seats, known, problems)
        below: list[tuple[frozenset[str] | None, Layer]] = [(None, defaults)]
        below += [(frozenset(groups[name]), layer) for name, layer in layers.items()]
        built = nodes.build(seats, below, hosts, known, problems)
        plan = cables.read(top.get("cables"), {n.name: n for n in built}, self._base, problems)
        return Inventory(
            name=self._name(),
            nodes=cables.joined(built, plan),
            groups=groups,
            cables=plan,
            known_hosts=known_hosts,
            profile_dirs=folders,
            simulate=simulate.read(top.get("simulate"), top.get("faults"), seats, groups, problems),
            path=self._path,
            text=text,
            ready=ready.read(top.get("ready"), problems),
        )

    def _name(self) -> str:
        value = self._top.get("name")
        if value is None:
            return safe_name(self._path.stem)
        said = shape.text(value, "name", self._problems)
        if said is not None and not names.is_name(said):
            self._problems.add(value.line, f"name: {names.bad_name(said)}")
        return said or ""

    def _folders(self, *, must_exist: bool) -> tuple[Path, ...]:
        value = self._top.get("profiles")
        said = shape.texts(value, "profiles", self._problems) if value is not None else ()
        found: list[Path] = []
        for text in said or ():
            try:
                folder = file(text, self._base)
                if must_exist and not folder.is_dir():
                    raise Wrong(f"{quoted(text)} is no folder")
                found.append(folder)
            except (Wrong, OSError) as wrong:
                self._problems.add(value.line if value is not None else None, f"profiles: {wrong}")
        return tuple(found)

    def _defaults(self, known: Known) -> tuple[Layer, Path | None]:
        value = self._top.get("defaults")
        if value is None:
            return Layer(), None
        keys = shape.table(value, "defaults", (*KEYS, "known_hosts"), self._problems)
        where = keys.pop("known_hosts", None)
        said = shape.text(where, "defaults.known_hosts", self._problems) if where is not None else ""
        known_hosts = None
        try:
            known_hosts = file(said, self._base) if said else None
        except Wrong as wrong:
            self._problems.add(where.line if where is not None else None, f"defaults.known_hosts: {wrong}")
        return read(keys, "defaults", known, self._problems), known_hosts


def safe_name(text: str) -> str:
    """A name made from any text: what is no letter, digit, dot, underscore or dash becomes a dash."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:100]
    return name if names.is_name(name) else "inventory"
