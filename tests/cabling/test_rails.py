"""The rule of the rails: who differs from nodes cabled alike, whatever the design is."""

from __future__ import annotations

from collections.abc import Callable

from bringup.cabling.ends import FarEnd, HostPort
from bringup.cabling.rails import vote

MakePort = Callable[..., HostPort]


def seen(make_port: MakePort, rows: dict[str, str]) -> tuple[tuple[HostPort, ...], dict[str, FarEnd]]:
    """Rows such as {"gpu-1": "AABB"}: the leaf of each rail, `.` where it was not seen."""
    ports = tuple(make_port(node, rail) for node, row in rows.items() for rail in range(len(row)))
    ends = {
        f"{node}/hca/mlx5_{rail}/port/1": FarEnd(leaf, ("1",), 1)
        for node, row in rows.items()
        for rail, leaf in enumerate(row)
        if leaf != "."
    }
    return ports, ends


def codes(make_port: MakePort, rows: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    found = vote(*seen(make_port, rows))
    return [
        (d.code, tuple(at.replace("/hca/mlx5_", " ").removesuffix("/port/1") for at in d.at))
        for d in found.deviations
    ]


def test_every_design_is_a_rule(make_port: MakePort) -> None:
    for row in ("ABCD", "AABB", "AAAA"):
        found = vote(*seen(make_port, {f"gpu-{n}": row for n in range(4)}))
        assert (found.deviations, found.compared, found.unlike) == ((), 4, ())


def test_an_odd_port(make_port: MakePort) -> None:
    assert codes(make_port, {"gpu-1": "ABCD", "gpu-2": "ABCD", "gpu-3": "ABAD", "gpu-4": "ABCD"}) == [
        ("CABLE-RAIL", ("gpu-3 2",))
    ]


def test_two_rails_exchanged(make_port: MakePort) -> None:
    assert codes(make_port, {"gpu-1": "ABCD", "gpu-2": "ABCD", "gpu-3": "ABDC", "gpu-4": "ABCD"}) == [
        ("CABLE-SWAP", ("gpu-3 2", "gpu-3 3"))
    ]


def test_two_nodes_of_two_units_exchanged(make_port: MakePort) -> None:
    rows = {f"gpu-{n}": "ABCD" for n in range(4)} | {f"gpu-{n}": "EFGH" for n in range(4, 8)}
    rows |= {"gpu-1": "ABGD", "gpu-5": "EFCH"}
    assert codes(make_port, rows) == [("CABLE-SWAP", ("gpu-1 2", "gpu-5 2"))]


def test_unseen_ports_are_not_odd(make_port: MakePort) -> None:
    found = vote(*seen(make_port, {"gpu-1": "ABCD", "gpu-2": "ABCD", "gpu-3": "A.CD", "gpu-4": "ABCD"}))
    assert (found.deviations, found.compared) == ((), 4)


def test_without_a_unit_nothing_is_known(make_port: MakePort) -> None:
    found = vote(*seen(make_port, {"gpu-1": "ABCD", "gpu-2": "ABDC", "gpu-3": "BACD"}))
    assert (found.deviations, found.compared, found.unlike) == ((), 0, ("gpu-1", "gpu-2", "gpu-3"))


def test_a_node_like_no_unit_is_not_judged(make_port: MakePort) -> None:
    rows = {f"gpu-{n}": "ABCD" for n in range(3)} | {"gpu-9": "WXYZ"}
    found = vote(*seen(make_port, rows))
    assert (found.deviations, found.unlike) == ((), ("gpu-9",))
