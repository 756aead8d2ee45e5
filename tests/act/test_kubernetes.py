"""Taints, annotations and conditions, from an invented answer of kubectl with the fields of the v1 Node."""

from __future__ import annotations

import json

import pytest

from bringup.act.kubernetes import KubeNode, parse, steps
from bringup.act.wish import Wish
from bringup.errors import ParseError

NOW = 1_787_306_520.0
BAD = Wish("n1", False, "RDMA-BW")


def argv(wish: Wish, node: KubeNode) -> list[str]:
    return [" ".join(s.argv[1:5]) for s in steps([wish], {"n1": node}, "0821-1002", NOW)]


def test_a_node_that_is_not_ready_is_tainted_and_told_why() -> None:
    made = steps([BAD], {"n1": KubeNode("n1")}, "0821-1002", NOW)
    assert [s.what for s in made] == ["taint", "annotate", "condition"]
    assert made[0].argv == (
        "kubectl",
        "taint",
        "node",
        "n1",
        "bringup.dev/defect=RDMA-BW:NoSchedule",
        "--overwrite",
    )
    assert made[1].argv[4:] == ("bringup.dev/run=0821-1002", "bringup.dev/defect=RDMA-BW", "--overwrite")
    patch = json.loads(made[2].argv[-1].removeprefix("--patch="))
    assert patch == {"status": {"conditions": [{
        "type": "BringupReady", "status": "False", "reason": "RdmaBw", "message": "run 0821-1002 found RDMA-BW",
        "lastHeartbeatTime": "2026-08-21T10:02:00Z", "lastTransitionTime": "2026-08-21T10:02:00Z",
    }]}}  # fmt: skip
    assert not any("NoExecute" in word for s in made for word in s.argv)


def test_a_ready_node_loses_only_our_taints() -> None:
    node = KubeNode("n1", {"bringup.dev/unvalidated": "", "bringup.dev/defect": "X"})
    made = steps([Wish("n1", True)], {"n1": node}, "r", NOW)
    assert made[0].argv[4:] == ("bringup.dev/unvalidated:NoSchedule-", "bringup.dev/defect:NoSchedule-")
    assert [s.what for s in made] == ["free", "annotate", "condition"]
    assert [s.what for s in steps([Wish("n1", True)], {"n1": KubeNode("n1")}, "r", NOW)] == [
        "annotate",
        "condition",
    ]


def test_the_same_taint_is_not_set_twice() -> None:
    node = KubeNode("n1", {"bringup.dev/defect": "RDMA-BW"}, {"bringup.dev/defect": "RDMA-BW"})
    assert [s.what for s in steps([BAD], {"n1": node}, "r", NOW)] == ["annotate", "condition"]


def test_what_somebody_freed_by_hand_is_respected_for_this_run_only() -> None:
    notes = {"bringup.dev/defect": "RDMA-BW", "bringup.dev/run": "r"}
    (step,) = steps([BAD], {"n1": KubeNode("n1", {}, notes)}, "r", NOW)
    assert (step.what, step.why) == ("leave", "somebody has taken our taint of this run away by hand")
    assert steps([BAD], {"n1": KubeNode("n1", {}, notes)}, "r2", NOW)[0].what == "taint"


def test_a_node_that_is_not_there() -> None:
    (step,) = steps([BAD], {}, "r", NOW)
    assert (step.what, step.why) == ("leave", "Kubernetes does not know it")


def test_the_answer_is_read() -> None:
    listed = {"items": [
        {"metadata": {"name": "n1", "annotations": {"bringup.dev/run": "r", "other": "x"}},
         "spec": {"taints": [{"key": "bringup.dev/defect", "value": "A", "effect": "NoSchedule"},
                             {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]}},
        {"metadata": {"name": "n2"}, "spec": {}},
    ]}  # fmt: skip
    assert parse(json.dumps(listed)) == {
        "n1": KubeNode("n1", {"bringup.dev/defect": "A"}, {"bringup.dev/run": "r"}), "n2": KubeNode("n2"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no",
        "[]",
        "{}",
        '{"items": 1}',
        '{"items": [1]}',
        '{"items": [{"metadata": {"name": "--all"}}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_answer(said: str) -> None:
    with pytest.raises(ParseError):
        parse(said)
