"""bringup's own collective on simulated nodes: they meet, and what keeps them from meeting shows as for the real one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bringup.parsers.own_collective import Report, collective, parse

NODES = ("gpu-001", "gpu-002", "gpu-003")


def met(lab, only=NODES, **more) -> dict[str, Report]:  # type: ignore[no-untyped-def]
    """All nodes at the same time."""

    def one(name: str) -> Report:
        command = collective(NODES.index(name), len(NODES), NODES[0], 18400, **more)
        return parse(lab.output(name, command).text)

    with ThreadPoolExecutor(len(only)) as pool:
        return dict(zip(only, pool.map(one, only), strict=True))


def test_all_meet(healthy):  # type: ignore[no-untyped-def]
    found = met(healthy)
    assert found["gpu-001"].meeting is not None
    assert (found["gpu-001"].meeting.why, found["gpu-001"].meeting.steps) == ("", ("done",) * 3)
    ranks = [rank for name in NODES for rank in found[name].ranks]
    assert [(r.rank, r.host, r.backend, r.wrong, r.done) for r in ranks] == [
        (n, name, "gloo", 0, True) for n, name in enumerate(NODES)
    ]


def test_with_nccl_every_gpu_is_a_rank(healthy):  # type: ignore[no-untyped-def]
    found = met(healthy, backend="nccl", processes=8)
    ranks = [rank for name in NODES for rank in found[name].ranks]
    assert [(r.rank, r.backend, r.done) for r in ranks] == [(n, "nccl", True) for n in range(24)]
    assert {round(r.busbw_gbs or 0) for r in ranks} <= set(range(455, 480))


def test_who_does_not_come(healthy):  # type: ignore[no-untyped-def]
    found = met(healthy, only=NODES[:2])
    assert found["gpu-001"].meeting is not None
    assert (found["gpu-001"].meeting.why, found["gpu-001"].meeting.named) == ("never came", (2,))


def test_a_firewall_on_the_first_node(lab):  # type: ignore[no-untyped-def]
    found = met(lab("firewall", count=3))
    assert found["gpu-001"].meeting is not None
    assert (found["gpu-001"].meeting.why, found["gpu-001"].meeting.named) == ("never came", (1, 2))
    said = [rank.error or "" for name in NODES[1:] for rank in found[name].ranks]
    assert all("cannot reach gpu-001:18400" in words for words in said)
