"""ibv_devinfo: speed of one lane, link layer on a device that calls itself InfiniBand, filtered and cut texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibv_devinfo
from bringup.parsers.ibv_devinfo import Device, Port

NO_KERNEL = "05-no-kernel-support-rc255.txt"
FILES = {
    "01-bf3-v-grep-port-down-linkup.txt": tuple(
        Device(
            f"mlx5_{n}",
            fw_ver="32.47.1088",
            board_id="MT_0000000965",
            vendor_part_id="41692",
            ports=(Port(None, "DOWN", "LINK_UP", lanes=4, lane_gbps=25.0),),
        )
        for n in (0, 1)
    ),
    "03-cx5-spaces-down-device-ports-header.txt": (
        Device(
            None,
            board_id="MT_0000000011",
            node_guid="1e87:44ff:fe7c:a496",
            vendor_part_id="4120",
            ports=(Port(1, "DOWN", None, "Ethernet", 1024, 0, 0),),
        ),
    ),
}


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "ibv_devinfo").iterdir()} <= {*FILES, NO_KERNEL}


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Callable[[str], str], name: str) -> None:
    assert ibv_devinfo.parse(read(f"ibv_devinfo/{name}")) == FILES[name]


def test_the_rate_is_lanes_times_speed_of_a_lane(read: Callable[[str], str]) -> None:
    devices = ibv_devinfo.parse(read("ibv_devinfo/01-bf3-v-grep-port-down-linkup.txt"))
    assert [d.ports[0].rate_gbps for d in devices] == [100.0, 100.0]


def test_a_kernel_without_rdma_is_no_empty_list(read: Callable[[str], str]) -> None:
    with pytest.raises(ParseError, match="no RDMA support"):
        ibv_devinfo.parse(read(f"ibv_devinfo/{NO_KERNEL}"))


def test_no_devices() -> None:
    assert ibv_devinfo.parse("No IB devices found\n") == ()


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("ibv_devinfo.txt", [("rxe0", "ACTIVE", None), ("rxe1", "ACTIVE", None)]),
        ("ibv_devinfo-v.txt", [("rxe0", "ACTIVE", 2.5)]),
    ],
)
def test_software_devices(
    session: Callable[[str], tuple[str, int | None, str]],
    file: str,
    wanted: list[tuple[str, str, float | None]],
) -> None:
    text, _, _ = session(f"rxe-outputs/bookworm-perftest-4.5/{file}")
    devices = ibv_devinfo.parse(text)
    assert [(d.name, d.ports[0].state, d.ports[0].rate_gbps) for d in devices] == wanted
    assert {(d.transport, d.ports[0].link_layer, d.ports[0].active_mtu) for d in devices} == {
        ("InfiniBand", "Ethernet", 4096)
    }


@pytest.mark.parametrize(
    "text", ["", "hca_id:\tmlx5_0\n", "hca_id: a\n\tfw_ver: 1\n\t\tport: 1\n", "nonsense\n"]
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ibv_devinfo.parse(text)


@given(st.text())
def test_any_text_gives_devices_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@pytest.mark.parametrize("name", [*FILES, NO_KERNEL])
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"ibv_devinfo/{name}")
    for end in range(len(text)):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    try:
        rows = ibv_devinfo.parse(text)
    except ParseError:
        return
    assert all(isinstance(row, Device) for row in rows)
