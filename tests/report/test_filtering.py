"""What a filter finds among defects; all of them are invented."""

from __future__ import annotations

import pytest

from bringup.defects import Defect, Severity, Who
from bringup.inventory.query import query
from bringup.model import Node, Port, Stage
from bringup.report.filtering import defect_facts, place_of
from bringup.run import RunState

PORTS = tuple(Port(r, f"mlx5_{r}", f"leaf-0{r + 1}", "9") for r in range(4))
STATE = RunState(
    nodes={"gpu-089": Node("gpu-089", rack="R05", unit="10", profile="hgx", tags=("spare",), ports=PORTS)}
)
SLOW = Defect(
    "D-7F3A", "RDMA-BW", Who.HANDS_ON, Severity.ISOLATE, "gpu-089/hca/mlx5_3/port/1", ("gpu-089",), "slow",
    "reseat it", far_end="leaf-04 port 9", cable="L04-9", stage=Stage.RDMA,
)  # fmt: skip
LOST = Defect(
    "D-11C0", "GPU-XID", Who.HANDS_ON, Severity.ISOLATE, "gpu-089/gpu/5", ("gpu-089",), "lost", "drain"
)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", ["D-7F3A", "D-11C0"]),
        ("code:RDMA*", ["D-7F3A"]),
        ("leaf:4", ["D-7F3A", "D-11C0"]),
        ("leaf:3", ["D-11C0"]),  # the port's own leaf counts where there is one, else all of the node
        ("state:claimed", ["D-7F3A"]),
        ("state:fixed", ["D-11C0"]),
        ("!state:claimed", ["D-11C0"]),
        ("gpu-[0080-0095] rack:R05 tag:spare who:hands-on", ["D-7F3A", "D-11C0"]),
        ("gpu-[0080-0088]", []),
        ("unit:10 l04-9", ["D-7F3A"]),
        ("stage:rdma,gpu", ["D-7F3A"]),
    ],
)
def test_which_defects_a_filter_finds(written: str, found: list[str]) -> None:
    stands = {"D-7F3A": "claimed", "D-11C0": "fixed?"}
    test = query(written)
    assert [d.id for d in (SLOW, LOST) if test(defect_facts(STATE, d, stands[d.id]))] == found


def test_the_place_is_that_of_the_node_where_the_defect_names_none() -> None:
    assert place_of(STATE, LOST) == "R05 U10"
