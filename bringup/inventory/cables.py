"""The cable plan: from `a: "gpu-[001-016]:mlx5_0", b: "leaf-01:{i+1}"` to single cables, and onto the nodes' ports."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from bringup.inventory import cable_csv, names, pattern, shape
from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.settings import Wrong, file
from bringup.inventory.tree import Table, Text, Value
from bringup.inventory.types import Cable
from bringup.model import Node, Port

_KEYS = ("a", "b", "label", "length_m")
_FILE_KEYS = ("file", "others")
_MOST_CABLES = 2_000_000
_MOST_NAMES_TEXT = 1 << 20
_EXAMPLE = '"gpu-[001-016]:mlx5_0" or "leaf-01:{i+1}"'


def read(value: Value | None, nodes: Mapping[str, Node], base: Path, problems: Problems) -> tuple[Cable, ...]:
    """All cables of the plan, in the order of the file. `base` is the folder that names of CSV files count from."""
    found: list[Cable] = []
    where: dict[int, Problems] = {}
    for entry in _entries(value, problems):
        if isinstance(entry, Text) or any(key.text == "file" for key, _ in _pairs(entry)):
            made, into = _from_file(entry, nodes, base, problems)
            found += made
            where |= {id(cable): into for cable in made}
            continue
        keys = shape.table(entry, "cables", _KEYS, problems)
        missing = [key for key in ("a", "b") if key not in keys]
        if missing:
            problems.add(entry.line, f"cables: this entry has no {' and no '.join(missing)}")
            continue
        a = shape.text(keys["a"], "cables.a", problems, _MOST_NAMES_TEXT)
        b = shape.text(keys["b"], "cables.b", problems)
        label = shape.text(keys["label"], "cables.label", problems) if "label" in keys else ""
        length = (
            shape.number(keys["length_m"], "cables.length_m", problems, 100_000)
            if "length_m" in keys
            else None
        )
        if a is None or b is None or label is None:
            continue
        made = _entry(a, b, label, length, keys["a"].line, nodes, problems)
        if len(found) + len(made) > _MOST_CABLES:
            problems.add(entry.line, f"cables: more than {_MOST_CABLES:,} cables")
            break
        found += made
    _check_ends(found, problems, where)
    return tuple(found)


def _entries(value: Value | None, problems: Problems) -> Sequence[Value]:
    """The list of cables; a single file needs no list."""
    if value is None:
        return ()
    if isinstance(value, Table) or (isinstance(value, Text) and not value.nothing):
        return (value,)
    return shape.items(value, "cables", problems)


def _pairs(entry: Value) -> tuple[tuple[Text, Value], ...]:
    return entry.entries if isinstance(entry, Table) else ()


def _from_file(
    entry: Value, nodes: Mapping[str, Node], base: Path, problems: Problems
) -> tuple[list[Cable], Problems]:
    """The cables of a CSV file, and where its mistakes go. An entry is its name, or `file` with `others: ignore`."""
    keys = {"file": entry} if isinstance(entry, Text) else shape.table(entry, "cables", _FILE_KEYS, problems)
    said = shape.text(keys["file"], "cables.file", problems) if "file" in keys else None
    others = shape.text(keys["others"], "cables.others", problems) if "others" in keys else None
    if others not in (None, "ignore"):
        problems.add(keys["others"].line, f"cables.others: knows only ignore, got {quoted(others or '')}")
    if not said:
        return [], problems
    try:
        path = file(said, base)
        into = problems.of(str(path))
        made = cable_csv.read(path, nodes, into, others=others == "ignore")
    except (Wrong, cable_csv.BadFile) as bad:
        problems.add(entry.line, f"cables: {quoted(said)} {bad}")
        return [], problems
    for cable in made:
        _check_ports(cable, nodes, into)
    return made, into


def _entry(
    a: str, b: str, label: str, length: float | None, line: int, nodes: Mapping[str, Node], problems: Problems
) -> list[Cable]:
    made: list[Cable] = []
    try:
        a_names, a_port = _end("a", a)
        for index, name in enumerate(names.expand(a_names)):
            b_node, b_port = _end("b", pattern.fill(b, name, index))
            if not names.is_name(b_node):
                raise names.BadNames(f"b: {names.bad_name(b_node)}")
            shown = pattern.fill(label, name, index)
            made.append(Cable(name, a_port, b_node, b_port, shown, length, line))
    except (names.BadNames, pattern.BadPattern) as bad:
        problems.add(line, f"cables: {bad}")
        return []
    if not made:
        problems.add(line, f"cables: a: {quoted(a)} names no node")
    for cable in made:
        _check_ports(cable, nodes, problems)
    return made


def _end(side: str, text: str) -> tuple[str, str]:
    """NODE:PORT in two; the first colon parts them, so that a port may be 1/2:3."""
    name, colon, port = text.partition(":")
    if not name or not colon or not port or len(port) > 64 or any(c.isspace() for c in port):
        raise names.BadNames(
            f"{side}: {quoted(text)} needs a name, a colon and a port, for example {_EXAMPLE}"
        )
    return name, port


def _check_ports(cable: Cable, nodes: Mapping[str, Node], problems: Problems) -> None:
    if cable.a_node not in nodes:
        turned = (
            "; b is a node: write it as a" if cable.b_node in nodes else did_you_mean(cable.a_node, nodes)
        )
        problems.once(cable.line, "node", f"cables: a: no node {quoted(cable.a_node)}{turned}")
    for name, port in ((cable.a_node, cable.a_port), (cable.b_node, cable.b_port)):
        rails = [p.hca for p in nodes[name].ports] if name in nodes else [port]
        if port not in rails:
            has = f"its rails are {', '.join(rails)}" if rails else "it has no rails"
            problems.once(cable.line, f"port {port}", f"cables: {name} has no rail {quoted(port)}; {has}")


def _check_ends(cables: Sequence[Cable], inventory: Problems, where: Mapping[int, Problems]) -> None:
    """A port takes one cable. `where` is where mistakes of a cable go that is not from the inventory itself."""
    first: dict[tuple[str, str], Cable] = {}
    for cable in cables:
        problems = where.get(id(cable), inventory)
        for end in ((cable.a_node, cable.a_port), (cable.b_node, cable.b_port)):
            other = first.setdefault(end, cable)
            if other is not cable:
                theirs = where.get(id(other), inventory)
                also = f"also line {other.line}" if other.line != cable.line else "within this entry"
                if theirs.file != problems.file:
                    also = f"also line {other.line} of {Path(theirs.file).name}"
                what = f"cables: {end[0]} port {end[1]} appears twice ({also})"
                problems.once(cable.line, f"twice {end[0]} {other.line}", what)
            elif (cable.a_node, cable.a_port) == (cable.b_node, cable.b_port):
                problems.add(cable.line, f"cables: {end[0]} port {end[1]} is both ends of one cable")


def joined(nodes: Sequence[Node], cables: Sequence[Cable]) -> tuple[Node, ...]:
    """The nodes with the far end and the label on each planned port."""
    far: dict[tuple[str, str], tuple[str, str, str]] = {}
    for c in cables:
        far[c.b_node, c.b_port] = (c.a_node, c.a_port, c.label)
        far[c.a_node, c.a_port] = (c.b_node, c.b_port, c.label)
    done: list[Node] = []
    for node in nodes:
        ends = [(port, far.get((node.name, port.hca))) for port in node.ports]
        ports = tuple(Port(port.rail, port.hca, *end) if end is not None else port for port, end in ends)
        done.append(node if ports == node.ports else dataclasses.replace(node, ports=ports))
    return tuple(done)
