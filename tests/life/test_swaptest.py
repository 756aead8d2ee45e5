"""What a swap of two cables says, in every case that there is."""

from __future__ import annotations

import pytest
from support.invented_run import FAULTS, nodes, pair, port, run, single

from bringup.life.swaptest import Blame, Judged, answer, goals, judged

NODES = nodes()
A, B = NODES["n1"].ports[0], NODES["n2"].ports[0]


@pytest.mark.parametrize(
    ("before", "after", "blame", "says"),
    [
        ((False, True), (False, True), Blame.PORT, "the fault stayed with n1 mlx5_0"),
        ((False, True), (True, False), Blame.CABLE, "went along with L1-1 to n2 mlx5_0"),
        ((True, False), (False, True), Blame.CABLE, "went along with L1-2 to n1 mlx5_0"),
        ((True, False), (True, False), Blame.PORT, "the fault stayed with n2 mlx5_0"),
        ((False, True), (True, True), Blame.SEAT, "L1-1 did not sit well"),
        ((False, True), (False, False), Blame.BOTH, "both ports are bad now"),
        ((False, False), (False, True), Blame.UNCLEAR, "both ports were bad"),
        ((True, True), (True, True), Blame.UNCLEAR, "both ports were good"),
        ((False, True), (None, True), Blame.UNCLEAR, "could not be judged"),
        ((False, None), (False, True), Blame.UNCLEAR, "could not be judged"),
    ],
)
def test_what_follows(before: tuple[bool, bool], after: tuple[bool, bool], blame: Blame, says: str) -> None:
    found = answer(Judged(*before), Judged(*after), A, B, (NODES["n1"], NODES["n2"]))
    assert found.blame is blame
    assert says in found.says


def test_the_far_end_is_named_because_it_goes_along_too() -> None:
    found = answer(Judged(False, True), Judged(True, False), A, B, (NODES["n1"], NODES["n2"]))
    assert found.says.endswith("if that does not help, it is leaf-1 port 1")


def test_only_what_failed_at_the_port_itself_is_measured() -> None:
    state = run(
        "r", [single("link.rate", "n1", good=False, at=port("n1")), pair("n1", "n2", good=False),
              single("gpu.count", "n1", good=False)],
    )  # fmt: skip
    wanted = goals(state, port("n1"), port("n1", 1), tuple(FAULTS))
    both = [port("n1"), port("n1", 1)]
    assert wanted == {"link.rate": both, "rdma.write-bw": both}


def test_how_a_run_judged_both_ports() -> None:
    needs = {"link.rate": [port("n1"), port("n2")], "rdma.write-bw": [port("n1"), port("n2")]}
    state = run(
        "r", [single("link.rate", "n1", good=False, at=port("n1")), pair("n1", "n3", good=False),
              single("link.rate", "n2", at=port("n2")), pair("n2", "n4")],
    )  # fmt: skip
    assert judged(state, needs, port("n1"), port("n2")) == Judged(False, True)
    assert judged(
        run("r", [single("link.rate", "n2", at=port("n2"))]), needs, port("n1"), port("n2")
    ) == Judged(None, None)
