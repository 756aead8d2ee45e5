"""Taints, an annotation and a node condition in Kubernetes: the taint says that a node is bad, the condition why.

Never NoExecute, so nothing that runs is evicted; only keys of our own domain are touched; a node that somebody has
uncordoned or untainted by hand after our taint is recorded as such and respected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bringup.act.wish import Step, Wish, word
from bringup.errors import ParseError

QUERY = ("kubectl", "get", "nodes", "-o", "json")
DOMAIN = "bringup.dev"
UNVALIDATED = f"{DOMAIN}/unvalidated"
DEFECT = f"{DOMAIN}/defect"
RUN = f"{DOMAIN}/run"
CONDITION = "BringupReady"
MOST_BYTES = 256 << 20
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class KubeNode:
    """How a node stands: its taints of our domain (key -> value), and our annotations."""

    name: str
    taints: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def freed_by_hand(self) -> bool:
        """Whether we had tainted it and somebody has taken the taint away."""
        return bool(self.annotations.get(DEFECT)) and DEFECT not in self.taints


def parse(said: str) -> dict[str, KubeNode]:
    """The nodes of `kubectl get nodes -o json`. Raises ParseError for anything else."""
    try:
        listed = json.loads(said) if len(said) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        listed = None
    items = listed.get("items") if isinstance(listed, dict) else None
    if not isinstance(items, list):
        raise ParseError("kubectl get nodes: no list of nodes")
    found: dict[str, KubeNode] = {}
    for item in items:
        node = _node(item)
        found[node.name] = node
    return found


def _node(item: object) -> KubeNode:
    meta = _table(_table(item).get("metadata"))
    name = meta.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ParseError(f"kubectl get nodes: {str(name)[:80]!r} is no name of a node")
    taints = _table(_table(item).get("spec")).get("taints")
    ours: dict[str, str] = {}
    for taint in taints if isinstance(taints, list) else []:
        key, value = _table(taint).get("key"), _table(taint).get("value")
        if isinstance(key, str) and key.startswith(f"{DOMAIN}/"):
            ours[key] = value if isinstance(value, str) else ""
    notes = {k: str(v) for k, v in _table(meta.get("annotations")).items() if k.startswith(f"{DOMAIN}/")}
    return KubeNode(name, ours, notes)


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def steps(wishes: Sequence[Wish], there: Mapping[str, KubeNode], run: str, now: float) -> list[Step]:
    """What to do for each node, and what is left alone, with the reason."""
    made: list[Step] = []
    for wish in wishes:
        node = there.get(wish.node)
        if node is None:
            made.append(Step((wish.node,), "leave", "Kubernetes does not know it"))
        elif wish.ready:
            made += _free(node, run, now)
        elif node.freed_by_hand and node.annotations.get(RUN) == word(run):
            made.append(Step((wish.node,), "leave", "somebody has taken our taint of this run away by hand"))
        else:
            made += _taint(node, wish, run, now)
    return made


def _taint(node: KubeNode, wish: Wish, run: str, now: float) -> list[Step]:
    one = (node.name,)
    made: list[Step] = []
    if node.taints.get(DEFECT) != wish.code:
        taint = f"{DEFECT}={wish.code}:NoSchedule"
        made.append(
            Step(one, "taint", wish.code, ("kubectl", "taint", "node", node.name, taint, "--overwrite"))
        )
    made.append(_annotate(node.name, (f"{RUN}={word(run)}", f"{DEFECT}={wish.code}")))
    made.append(_condition(node.name, False, wish.code, f"run {word(run)} found {wish.code}", now))
    return made


def _free(node: KubeNode, run: str, now: float) -> list[Step]:
    one = (node.name,)
    gone = [f"{key}:NoSchedule-" for key in (UNVALIDATED, DEFECT) if key in node.taints]
    made: list[Step] = []
    if gone:
        made.append(Step(one, "free", "ready", ("kubectl", "taint", "node", node.name, *gone)))
    made.append(_annotate(node.name, (f"{RUN}={word(run)}", f"{DEFECT}-")))
    made.append(_condition(node.name, True, "Validated", f"run {word(run)} found nothing wrong", now))
    return made


def _annotate(name: str, pairs: tuple[str, ...]) -> Step:
    return Step(
        (name,), "annotate", "which run said so", ("kubectl", "annotate", "node", name, *pairs, "--overwrite")
    )


def _condition(name: str, ready: bool, why: str, said: str, now: float) -> Step:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": CONDITION, "status": "True" if ready else "False", "reason": _camel(why), "message": said,
        "lastHeartbeatTime": stamp, "lastTransitionTime": stamp,
    }  # fmt: skip
    patch = json.dumps({"status": {"conditions": [condition]}})
    argv = ("kubectl", "patch", "node", name, "--subresource=status", "--type=strategic", f"--patch={patch}")
    return Step((name,), "condition", said, argv)


def _camel(code: str) -> str:
    """A condition's reason is one CamelCase word: RDMA-BW becomes RdmaBw."""
    return (
        "".join(piece[:1].upper() + piece[1:].lower() for piece in re.split(r"[^A-Za-z0-9]+", code) if piece)
        or "Unknown"
    )
