"""From the layers of the file to one finished Node each: defaults < groups < range < host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.inventory import members, names, pattern, shape
from bringup.inventory.problems import Problems, quoted
from bringup.inventory.settings import KEYS, PATTERNS, Given, Known, Layer, Wrong, read, value_of
from bringup.inventory.tree import Items, Text, Value
from bringup.model import FLEET, Node, Port

_MOST_NAMES_TEXT = 1 << 22


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a node is listed: its entry's settings, its place in the entry from 0, the entry's line."""

    layer: Layer
    index: int
    line: int


def seats(value: Value | None, known: Known, problems: Problems) -> dict[str, Seat]:
    """Every node of the `nodes:` list in the order of the file."""
    if value is None:
        problems.add(
            None, "nodes: missing; list at least one, for example \"nodes: [{names: 'gpu-[001-016]'}]\""
        )
        return {}
    found: dict[str, Seat] = {}
    entries = (
        (value,) if isinstance(value, Text) and not value.nothing else shape.items(value, "nodes", problems)
    )
    for entry in entries:
        if isinstance(entry, Text):  # `- gpu-[001-016]`: names without settings
            said: tuple[str, ...] | None = (entry.text,)
            layer, line = Layer(), entry.line
        else:
            keys = shape.table(entry, "nodes", ("names", *KEYS), problems)
            layer, line = read(keys, "nodes", known, problems), entry.line
            said = None
            if "names" in keys:
                line = keys["names"].line
                said = shape.texts(keys["names"], "nodes.names", problems, _MOST_NAMES_TEXT, names.MOST_NODES)
            elif not isinstance(entry, Items):
                problems.add(line, "nodes: this entry has no names")
        for index, name in enumerate(_expanded(said or (), line, problems)):
            if name in found:
                problems.once(
                    line, "twice", f"nodes.names: {name} appears twice (also line {found[name].line})"
                )
            elif len(found) >= names.MOST_NODES:
                problems.once(line, "many", f"nodes.names: more than {names.MOST_NODES:,} nodes")
            else:
                found[name] = Seat(layer, index, line)
    if not found and not len(problems):
        problems.add(value.line, "nodes: the list is empty; an inventory needs at least one node")
    return found


def _expanded(said: Sequence[str], line: int, problems: Problems) -> list[str]:
    found: list[str] = []
    for text in said:
        try:
            found += names.expand(text, names.MOST_NODES - len(found))
        except names.BadNames as bad:
            problems.add(line, f"nodes.names: {bad}")
    return found


def groups(
    value: Value | None, there: Mapping[str, Seat], known: Known, problems: Problems
) -> tuple[dict[str, tuple[str, ...]], dict[str, Layer]]:
    """The groups' members and settings, in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    layers: dict[str, Layer] = {}
    for key, entry in shape.keys(value, "groups", problems) if value is not None else ():
        where = f"groups.{key.text[:80]}"
        if not names.is_name(key.text) or key.text == FLEET:
            why = "fleet means all nodes of a run" if key.text == FLEET else names.bad_name(key.text)
            problems.add(key.line, f"groups: {why}; give the group another name")
            continue
        keys: dict[str, Value] = {"nodes": entry}
        if not isinstance(entry, Text | Items):
            keys = shape.table(entry, where, ("nodes", *KEYS), problems)
        layers[key.text] = read(keys, where, known, problems)
        if "nodes" not in keys:
            problems.add(key.line, f"{where}: has no nodes")
        found[key.text] = listed(keys.get("nodes"), f"{where}.nodes", there, found, problems)
    return found, layers


def listed(
    value: Value | None,
    where: str,
    there: Mapping[str, object],
    groups: Mapping[str, Sequence[str]],
    problems: Problems,
) -> tuple[str, ...]:
    """The nodes that a list of names, ranges and @groups stands for."""
    said = None if value is None else shape.texts(value, where, problems, _MOST_NAMES_TEXT, names.MOST_NODES)
    if value is None or said is None:
        return ()
    try:
        found = tuple(members.find_all(",".join(said), there, groups))
    except names.BadNames as bad:
        problems.add(value.line, f"{where}: {bad}")
        return ()
    if not found:
        problems.add(value.line, f"{where}: names no node")
    return found


def hosts(
    value: Value | None, there: Mapping[str, Seat], known: Known, problems: Problems
) -> dict[str, Layer]:
    """The settings of single nodes, which beat all others."""
    found: dict[str, Layer] = {}
    for key, entry in shape.keys(value, "hosts", problems) if value is not None else ():
        where = f"hosts.{key.text[:80]}"
        if key.text not in there:
            what = (
                f"{quoted(key.text)}: one node at a time; use groups for several"
                if "[" in key.text
                else members.no_node([key.text], there)
            )
            problems.add(
                key.line, f"hosts: {what if names.is_name(key.text) or '[' in key.text else quoted(key.text)}"
            )
        found[key.text] = read(shape.table(entry, where, KEYS, problems), where, known, problems)
    return found


def build(
    there: Mapping[str, Seat],
    layers: Sequence[tuple[frozenset[str] | None, Layer]],
    single: Mapping[str, Layer],
    known: Known,
    problems: Problems,
) -> list[Node]:
    """All nodes. `layers` are the defaults and groups from the lowest up, each with its members (None: all)."""
    nodes: list[Node] = []
    for name, seat in there.items():
        merged = Layer()
        for wanted, layer in layers:
            if wanted is None or name in wanted:
                merged = layer.over(merged)
        merged = seat.layer.over(merged)
        if name in single:
            merged = single[name].over(merged)
        nodes.append(_node(name, seat, merged, known, problems))
    _check_unique(nodes, there, problems)
    return nodes


def _node(name: str, seat: Seat, layer: Layer, known: Known, problems: Problems) -> Node:
    texts = {
        key: _filled(key, given, name, seat.index, known, problems) for key, given in layer.texts.items()
    }

    def many(key: str) -> tuple[str, ...]:
        given = layer.lists.get(key)
        return given.value if given is not None else ()

    connection = texts.get("connection") or "ssh"
    return Node(
        name=name,
        address=texts.get("address") or (name if connection == "ssh" else ""),
        peer_address=texts.get("peer_address", ""),
        port=int(texts.get("port") or 22),
        user=texts.get("user", ""),
        key_file=texts.get("key", ""),
        certificate=texts.get("certificate", ""),
        jump=tuple(known.jumps[j] for j in many("jump")),
        connection=connection,
        rack=texts.get("rack", ""),
        unit=texts.get("unit", ""),
        profile=texts.get("profile", ""),
        serial=texts.get("serial", ""),
        tags=many("tags"),
        ports=tuple(Port(rail, hca) for rail, hca in enumerate(many("rails"))),
        root=texts.get("root", ""),
        path=many("path"),
        env=layer.env.value if layer.env is not None else (),
    )


def _filled(key: str, given: Given[str], name: str, index: int, known: Known, problems: Problems) -> str:
    """The setting's value for one node; a mistake is reported once for all nodes of the setting."""
    if key not in PATTERNS or not pattern.is_pattern(given.value):
        return given.value
    try:
        filled = pattern.fill(given.value, name, index)
        if not filled.isprintable() or len(filled) > 1024:
            raise Wrong(f"{quoted(filled, 40)} is too long")
        return value_of(key, filled, known.base)
    except (pattern.BadPattern, Wrong) as bad:
        problems.once(given.line, given.where, f"{given.where}: {quoted(given.value)} for {name}: {bad}")
        return ""


def _check_unique(nodes: Sequence[Node], there: Mapping[str, Seat], problems: Problems) -> None:
    """Two nodes behind one address are one machine tested twice, and the other one not at all."""
    first: dict[tuple[str, ...], Node] = {}
    for node in nodes:
        hops = ",".join(f"{j.host}:{j.port}" for j in node.jump)
        same: list[tuple[tuple[str, ...], str]] = []
        if node.connection == "local":
            same.append((("local", node.root), "connection: local"))
        else:
            shown = f"address {node.address}" + (f" port {node.port}" if node.port != 22 else "")
            same.append((("address", node.address.lower(), str(node.port), hops), shown))
        if node.peer_address:
            same.append((("peer", node.peer_address.lower()), f"peer_address {node.peer_address}"))
        if node.serial:
            same.append((("serial", node.serial), f"serial {node.serial}"))
        for what, shown in same:
            other = first.setdefault(what, node)
            if other is not node:
                line, before = there[node.name].line, there[other.name].line
                also = f" (line {before})" if before != line else ""
                problems.once(
                    line, what[0], f"nodes: {shown} of {node.name} is also that of {other.name}{also}"
                )
