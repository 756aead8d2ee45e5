"""What a filter may ask about a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bringup.defects import Defect
from bringup.inventory.query import Facts
from bringup.model import Node
from bringup.tui.feed import RunView
from bringup.tui.look import Mark


class _NodeFields(Mapping[str, Sequence[str]]):
    """The fields of a node, each looked up when a filter asks for it: most filters ask for none of thousands of nodes."""

    __slots__ = ("_change", "_node", "_view")

    def __init__(self, view: RunView, node: Node, change: str) -> None:
        self._view, self._node, self._change = view, node, change

    def __getitem__(self, name: str) -> Sequence[str]:
        return _OF_NODE[name](self._view, self._node) if name != "change" else (self._change,)

    def __iter__(self) -> Iterator[str]:
        return iter((*_OF_NODE, "change"))

    def __len__(self) -> int:
        return len(_OF_NODE) + 1


def _defects(view: RunView, node: Node) -> list[Defect]:
    return view.defects_of.get(node.name, [])


def _mark_of(view: RunView, node: Node) -> Mark:
    return view.marks.get(node.name, Mark.WAITING)


_OF_NODE: Mapping[str, Callable[[RunView, Node], Sequence[str]]] = {
    "rack": lambda _, node: (node.rack,),
    "unit": lambda _, node: (node.unit,),
    "leaf": lambda _, node: [p.leaf for p in node.ports if p.leaf],
    "tag": lambda _, node: node.tags,
    "code": lambda view, node: [d.code for d in _defects(view, node)],
    "profile": lambda _, node: (node.profile,),
    "state": lambda view, node: (
        _mark_of(view, node).value.replace(" ", "-"),
        *(view.standing(d) for d in _defects(view, node)),
    ),
}


def node_facts(view: RunView, name: str, change: str = "") -> Facts:
    """What a filter may ask about a node. `change`: whether it is worse or better than in an earlier run."""
    node = view.state.nodes[name]
    text = [name, node.place, _mark_of(view, node).value, *node.tags]
    for defect in _defects(view, node):
        text += (defect.code, defect.id)
    return Facts((name,), _NodeFields(view, node, change), " ".join(text))
