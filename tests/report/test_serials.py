"""The numbers by which the parts of a defect are known, on invented runs."""

from __future__ import annotations

from support.invented_run import events_of, port, single
from support.records import replace

from bringup.model import Measurement, Outcome
from bringup.report import html, jsonreport, serials, table
from bringup.run import RunState, fold


def reading(check: str, node: str, *read: tuple[str, str, str]) -> Outcome:
    """A result of a check that reads: (component below the node, name, value)."""
    measured = tuple(Measurement(name, value, "", f"{node}/{at}" if at else node) for at, name, value in read)
    return replace(single(check, node), measurements=measured)


READ = (
    reading(
        "gpu.model",
        "n1",
        ("gpu/0", "serial", "1650"),
        ("gpu/1", "serial", "1651"),
        ("gpu/1", "uuid", "GPU-1"),
    ),
    reading("link.optics-identity", "n1", ("hca/mlx5_0/port/1", "link.optic.serial", "MT1")),
    reading(
        "link.identity",
        "n1",
        ("hca/mlx5_0/port/1", "guid", "a088:1"),
        ("hca/mlx5_1/port/1", "guid", "a088:2"),
    ),
    reading("host.identities", "n1", ("", "serial number", "S1"), ("", "host name", "n1")),
    reading("gpu.model", "n2", ("gpu/1", "serial", "1661")),
)


def shown(*bad: Outcome) -> RunState:
    return fold(events_of("r1", [*READ, *bad, single("gpu.count", "n2")]))


def told(state: RunState) -> list[str]:
    return [serials.said(state, d) for d in state.defects]


def test_a_part_its_node_and_nothing_else() -> None:
    assert told(shown(single("gpu.count", "n1", good=False, at="n1/gpu/1"))) == [
        "GPU serial 1651, GPU UUID GPU-1, node serial S1"
    ]
    assert told(shown(single("link.rate", "n1", good=False, at=port("n1")))) == [
        "optic serial MT1, adapter GUID a088:1, node serial S1"
    ]
    assert told(shown(single("perf.gemm", "n1", good=False, at="n1"))) == ["node serial S1"]


def test_what_was_not_read_is_not_there_and_the_inventory_knows_the_node() -> None:
    assert told(shown(single("gpu.count", "n2", good=False, at="n2/gpu/7"))) == ["node serial SN2"]
    assert told(shown(single("gpu.count", "n2", good=False, at="n2/gpu/1"))) == [
        "GPU serial 1661, node serial SN2"
    ]


def test_every_face_has_them() -> None:
    state = shown(single("gpu.count", "n1", good=False, at="n1/gpu/1"))
    (row,) = jsonreport.document(state)["defects"]  # type: ignore[misc]
    assert row["serials"][0] == {"what": "GPU serial", "value": "1651", "at": "n1/gpu/1"}  # type: ignore[index,call-overload]
    assert "GPU serial 1651, GPU UUID GPU-1, node serial S1" in html.page(state)
    assert (
        table.defects_csv(state).splitlines()[1].endswith('"GPU serial 1651, GPU UUID GPU-1, node serial S1"')
    )


def test_a_defect_of_many_nodes_is_no_part() -> None:
    state = shown(single("gpu.count", "n1", good=False, at="n1/gpu/1"))
    wide = replace(state.defects[0], nodes=("n1", "n2", "n3", "n4", "n5"))
    state.nodes.update({f"n{k}": replace(state.nodes["n1"], name=f"n{k}") for k in (3, 4, 5)})
    assert serials.serials(state, wide) == ()
    two = replace(wide, nodes=("n1", "n2"), components=("n1/gpu/1", "n2/gpu/1"))
    assert serials.said(state, two) == (
        "n1 GPU serial 1651, n1 GPU UUID GPU-1, n1 node serial S1, n2 GPU serial 1661, n2 node serial SN2"
    )
