"""rdma link and rdma statistic: JSON, and the three text layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import rdma_link
from bringup.parsers.rdma_link import Link, Statistic

STATISTIC = "05-statistic-j-ainic.json"
LINKS = {
    "01-link-show-two-disabled.txt": (
        Link("mlx5_0", 1, "DOWN", "DISABLED", "ens7f0np0"),
        Link("mlx5_1", 1, "ACTIVE", "LINK_UP", "ens7f1np1"),
        Link("mlx5_2", 1, "DOWN", "DISABLED", "ens10f0np0"),
        Link("mlx5_3", 1, "ACTIVE", "LINK_UP", "ens10f1np1"),
    ),
    "03-link-show-trailing-colon.txt": (
        Link("mlx5_0", 1, "ACTIVE", "LINK_UP", "ens21f0"),
        Link("mlx5_1", 1, "ACTIVE", "LINK_UP", "ens21f1"),
    ),
    "04-link-ainic-rocep-names.txt": (
        Link("rocep68s0", 1, "ACTIVE", "LINK_UP", "enp68s0"),
        Link("rocep132s0", 1, "ACTIVE", "LINK_UP", "enp132s0"),
        Link("ionic_1", 1, "ACTIVE", "LINK_UP", "enp132s0v0"),
    ),
}
RXE = (Link("rxe0", 1, "ACTIVE", "LINK_UP", "eth1"), Link("rxe1", 1, "ACTIVE", "LINK_UP", "eth2"))


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "rdma").iterdir()} <= {*LINKS, STATISTIC}


@pytest.mark.parametrize("name", LINKS)
def test_captured_links(read: Callable[[str], str], name: str) -> None:
    assert rdma_link.parse_links(read(f"rdma/{name}")) == LINKS[name]


def test_captured_statistic(read: Callable[[str], str]) -> None:
    rows = rdma_link.parse_statistics(read(f"rdma/{STATISTIC}"))
    assert [(r.device, r.port, len(r.counters)) for r in rows] == [
        ("rocep132s0", 1, 42),
        ("rocep68s0", 1, 42),
        ("ionic_1", 1, 42),
    ]
    assert [sum(r.counters.values()) for r in rows[:2]] == [0, 0]
    busy = {name: value for name, value in rows[2].counters.items() if value}
    assert busy["tx_rdma_ucast_bytes"] == 3489656928
    assert busy["req_rx_dup_response"] == 34
    assert "resp_rx_outouf_seq" in rows[2].counters


@pytest.mark.parametrize("file", ["rdma-link.txt", "rdma-link-json.txt"])
def test_text_and_json_agree(session: Callable[[str], tuple[str, int | None, str]], file: str) -> None:
    text, _, _ = session(f"rxe-outputs/bookworm-perftest-4.5/{file}")
    assert rdma_link.parse_links(text) == RXE


def test_third_text_layout() -> None:
    text = "8/1: mlx5_bond_0/1: state ACTIVE physical_state LINK_UP netdev bond0 \n"  # invented from a known layout
    with pytest.raises(ParseError):
        rdma_link.parse_links("8/1: mlx5_bond_0 state ACTIVE\n")
    assert rdma_link.parse_links(text) == (Link("mlx5_bond_0", 1, "ACTIVE", "LINK_UP", "bond0"),)


def test_infiniband_has_more_keys_and_no_netdev() -> None:
    text = "link mlx5_0/1 subnet_prefix fe80:0000:0000:0000 lid 13399 sm_lid 49151 lmc 0 state ACTIVE physical_state LINK_UP\n"  # invented  # noqa: E501
    assert rdma_link.parse_links(text) == (Link("mlx5_0", 1, "ACTIVE", "LINK_UP", None),)


@pytest.mark.parametrize("file", ["rdma-stat.txt", "rdma-stat-json.txt"])
def test_statistics_of_software_devices(
    session: Callable[[str], tuple[str, int | None, str]], file: str
) -> None:
    text, _, _ = session(f"rxe-outputs/bookworm-perftest-4.5/{file}")
    rows = rdma_link.parse_statistics(text)
    assert [(r.device, r.counters["sent_pkts"], r.counters["rcvd_pkts"]) for r in rows] == [
        ("rxe0", 1294, 20704),
        ("rxe1", 0, 0),
    ]


def test_no_links_is_an_empty_json_list() -> None:
    assert rdma_link.parse_links("[]\n") == ()


@pytest.mark.parametrize(
    "text",
    ["", "[", "[1]", "{}", '[{"ifname":"a","port":true,"state":"ACTIVE"}]', "link a/1 state\n", "rdma: x\n"],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        rdma_link.parse_links(text)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_any_json_gives_rows_or_a_parse_error(value: object) -> None:
    import json

    _parse_anything("[" + json.dumps(value) + "]")


@pytest.mark.parametrize("name", [*LINKS, STATISTIC])
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"rdma/{name}")
    for end in range(0, len(text), 13):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    for parse, row in ((rdma_link.parse_links, Link), (rdma_link.parse_statistics, Statistic)):
        try:
            rows = parse(text)
        except ParseError:
            continue
        assert all(isinstance(r, row) for r in rows)
