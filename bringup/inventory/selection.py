"""Which nodes a person means: `gpu-[001-008]`, `rack:R05`, `leaf:leaf-3`, `tag:x`, `@group`, `gpu-0*`, `!gpu-007`.

What else is known about nodes can be asked for as well, where somebody brings it along (`code:RDMA*`, `state:open`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from bringup.errors import NothingSelected, UsageError
from bringup.inventory import members, names
from bringup.inventory.problems import did_you_mean, quoted
from bringup.inventory.query import by_number
from bringup.inventory.types import Inventory
from bringup.model import Node

Words = Mapping[str, Callable[[Node], Iterable[str]]]

_WORDS: Words = {
    "rack": lambda n: (n.rack,),
    "unit": lambda n: (n.unit,),
    "leaf": lambda n: (p.leaf for p in n.ports),
    "tag": lambda n: n.tags,
    "profile": lambda n: (n.profile,),
}


Known = Callable[[], Mapping[str, Mapping[str, Iterable[str]]]]
"""More words, and the values that each node has for them. Asked only where an expression has one of `DEFECT_WORDS`."""
DEFECT_WORDS = ("code", "state", "id")


def select(inventory: Inventory, expression: str, known: Known | None = None) -> tuple[Node, ...]:
    """The nodes that the expression means, in the inventory's order.

    Terms are parted by commas or blanks and add up; a leading ! takes away, whatever the order. With nothing but
    such terms it takes away from all nodes. Raises UsageError if a term cannot be read or one of several terms means
    nothing, NothingSelected if no node is left.
    """
    return _select(inventory.nodes, inventory.groups, expression, known)


def select_names(nodes: Sequence[Node], expression: str) -> tuple[str, ...]:
    """The names of the meant ones among these nodes; the same expressions, but there are no groups."""
    return tuple(node.name for node in _select(nodes, {}, expression))


def _select(
    nodes: Sequence[Node],
    groups: Mapping[str, Sequence[str]],
    expression: str,
    known: Known | None = None,
) -> tuple[Node, ...]:
    terms = _split(expression)
    if not terms:
        raise UsageError(f"selection: nothing is written; {_help()}")
    by_name = {node.name: node for node in nodes}
    words = _words(terms, known)
    wanted: set[str] = set()
    out: set[str] = set()
    nothing: list[str] = []
    for term in terms:
        found, why = _term(term.removeprefix("!"), by_name, groups, words)
        without = term.startswith("!")
        (out if without else wanted).update(found)
        of_defects = term.removeprefix("!").partition(":")[0] in DEFECT_WORDS
        nothing += [why] if why and not (without and of_defects) else []  # no node to take away is good news
    if all(term.startswith("!") for term in terms):
        wanted = set(by_name)
    wanted -= out
    chosen = tuple(node for node in nodes if node.name in wanted)
    if nothing:
        raise (UsageError if chosen else NothingSelected)("selection: " + "; ".join(nothing))
    if not chosen:
        raise NothingSelected(f"selection {quoted(expression)}: every node in it is taken away again")
    return chosen


def _split(expression: str) -> list[str]:
    try:
        return names.split(expression)
    except names.BadNames as bad:
        raise UsageError(f"selection: {bad}") from None


def _words(terms: Iterable[str], known: Known | None) -> Words:
    """What may be asked about a node: what the inventory says of it, and what its defects say where that is known."""
    asked = {term.removeprefix("!").partition(":")[0] for term in terms if ":" in term}
    if known is None or not asked.intersection(DEFECT_WORDS):
        return _WORDS
    more = {word: partial(_of_node, values) for word, values in known().items()}
    return {**_WORDS, **more}


def _of_node(values: Mapping[str, Iterable[str]], node: Node) -> Iterable[str]:
    return values.get(node.name, ())


def _term(
    term: str, nodes: Mapping[str, Node], groups: Mapping[str, Sequence[str]], words: Words
) -> tuple[Iterable[str], str]:
    """The names that one term means, and why not where some or all are not there."""
    word, colon, value = term.partition(":")
    if colon:
        return _by_word(word, value, nodes, words)
    if not term:
        raise UsageError(f"selection: a ! stands alone; {_help()}")
    try:
        if not term.startswith("@") and not members.is_glob(term):
            found = names.expand(term)
            missing = [n for n in found if n not in nodes]
            return [n for n in found if n in nodes], members.no_node(missing, nodes) if missing else ""
    except names.BadNames as bad:
        raise UsageError(f"selection: {bad}") from None
    try:
        return members.find(term, nodes, groups), ""
    except names.BadNames as bad:
        return (), str(bad)


def _by_word(word: str, value: str, nodes: Mapping[str, Node], words: Words) -> tuple[Iterable[str], str]:
    if word not in words:
        known = ", ".join(f"{w}:" for w in words)
        here = "; only run and plan know about defects" if word in DEFECT_WORDS else did_you_mean(word, words)
        raise UsageError(f"selection: {quoted(word + ':')} is unknown{here}; known are {known}")
    there = {v for node in nodes.values() for v in words[word](node) if v}
    try:
        values = members.matching(value, there) if members.is_glob(value) else _values(value)
    except names.BadNames as bad:
        raise UsageError(f"selection: {bad}") from None
    values = [found for v in values for found in ([v] if v in there else by_number(v, there) or [v])]
    missing = [v for v in values if v not in there]
    if missing or not values:
        known_here = did_you_mean(missing[0] if missing else value, sorted(there)) or _listed(there)
        return (), f"no node has {word} {quoted(','.join(missing) or value)}{known_here}"
    chosen = frozenset(values)
    return [name for name, node in nodes.items() if chosen.intersection(words[word](node))], ""


def _values(value: str) -> list[str]:
    """The values of `rack:R[01-04]`; a value without a range may hold any character."""
    return names.expand(value, 10_000) if "[" in value else [value]


def _listed(there: Iterable[str]) -> str:
    values = sorted(there, key=names.natural_key)[:10]
    return f"; there are {', '.join(values)}" if values else "; none has one"


def _help() -> str:
    return "write for example gpu-[001-008], rack:R05, leaf:leaf-3, tag:spare, @group, gpu-0*, or ! before what to leave out"
