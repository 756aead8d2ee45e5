"""What a filter may ask about a defect: the same facts for the command line and for the screens."""

from __future__ import annotations

from bringup.defects import Defect, Who
from bringup.inventory.query import Facts
from bringup.report import digest
from bringup.run import RunState

WHO_WORDS = {
    Who.HANDS_ON: "hands-on",
    Who.CONFIGURATION: "config",
    Who.SOFTWARE: "software",
    Who.PLAN: "plan",
    Who.COULD_NOT_JUDGE: "unknown",
}
MOST_NODES = 512


def place_of(state: RunState, defect: Defect) -> str:
    """Rack and height unit of a defect at one place."""
    if defect.place or len(defect.nodes) != 1 or defect.nodes[0] not in state.nodes:
        return defect.place
    return state.nodes[defect.nodes[0]].place


def defect_facts(state: RunState, defect: Defect, standing: str = "open") -> Facts:
    """Everything that a filter may ask about a defect. `standing` is how far it is: open, claimed, fixed?, ..."""
    nodes = [state.nodes[name] for name in defect.nodes if name in state.nodes]
    place, far_leaf = place_of(state, defect), _far_leaf(defect)
    return Facts(
        names=defect.nodes,
        fields={
            "id": (defect.id,),
            "code": (defect.code,),
            "who": (WHO_WORDS[defect.who], defect.who.value),
            "stage": (defect.stage.value,),
            "rack": [n.rack for n in nodes],
            "unit": [n.unit for n in nodes],
            "profile": [n.profile for n in nodes],
            "tag": [tag for n in nodes for tag in n.tags],
            "leaf": (far_leaf,) if far_leaf else [p.leaf for n in nodes for p in n.ports if p.leaf],
            "severity": (defect.severity.value,),
            "state": (standing, standing.rstrip("?")),
        },
        text=" ".join(
            (
                defect.id,
                defect.code,
                WHO_WORDS[defect.who],
                place,
                " ".join(defect.nodes[:MOST_NODES]),
                digest.parts(defect),
                digest.what(defect),
                defect.action,
                standing,
            )
        ),
    )


def _far_leaf(defect: Defect) -> str:
    return defect.far_end.partition(" port ")[0] if " port " in defect.far_end else ""
