"""ibstatus: hexadecimal LIDs, rates of dead ports, a frontend port among fabric ports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibstatus
from bringup.parsers.ibstatus import Port

FILES: dict[str, tuple[Port, ...]] = {
    "01-azure-an0-ethernet-vf-plus-hdr.txt": (
        Port("mlx5_an0", 1, "ACTIVE", "LinkUp", 40.0, 4, "QDR", "Ethernet", 0, 0, None),
        Port(
            "mlx5_ib0", 1, "ACTIVE", "LinkUp", 200.0, 4, "HDR", "InfiniBand", 0x96, 0x11C,
            "fe80:0000:0000:0000:0015:5dff:fd33:ff0b",
        ),
    ),
    "02-no-devices-rc255.txt": (),
    "04-ib-edr-three-active.txt": tuple(
        Port(f"mlx5_{n}", 1, "ACTIVE", "LinkUp", 100.0, 4, "EDR", "InfiniBand", lid, 1, f"fe80:0000:0000:0000:{gid}")
        for n, lid, gid in (
            (0, 15, "506b:4b03:00f5:ce9c"),
            (1, 6, "506b:4b03:0049:4236"),
            (2, 2, "506b:4b03:00f5:cf04"),
        )
    ),
    "06-roce-both-disabled-hdr.txt": tuple(
        Port(
            f"mlx5_{n}", 1, "DOWN", "Disabled", 200.0, 4, "HDR", "Ethernet", 0, 0,
            f"fe80:0000:0000:0000:eaeb:d3ff:fe72:36d{end}",
        )
        for n, end in ((0, "c"), (1, "d"))
    ),
    "08-mixed-phys-2-disabled-literal.txt": (
        Port(
            "mlx5_0", 1, "ACTIVE", "LinkUp", 200.0, 4, "HDR", "InfiniBand", 0x33BF, 1,
            "fe80:0000:0000:0000:0015:5dff:fd34:11eb",
        ),
        Port(
            "mlx5_1", 1, "DOWN", "Disabled", 200.0, 4, "HDR", "InfiniBand", 0, 0,
            "fe80:0000:0000:0000:0015:5dff:fd34:11ec",
        ),
    ),
}  # fmt: skip


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "ibstatus").iterdir()} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Callable[[str], str], name: str) -> None:
    assert ibstatus.parse(read(f"ibstatus/{name}")) == FILES[name]


def test_software_devices(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    text, _, _ = session("rxe-outputs/bookworm-perftest-4.5/ibstatus.txt")
    assert [(p.device, p.rate_gbps, p.lanes, p.generation, p.link_layer) for p in ibstatus.parse(text)] == [
        ("rxe0", 2.5, 1, "SDR", "Ethernet"),
        ("rxe1", 2.5, 1, "SDR", "Ethernet"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fatal error:  device 'mlx5_9': sys files not found\n",
        "Infiniband device 'mlx5_0' port 1 status:\n\tstate: 4: ACTIVE\n",
        "state: 4: ACTIVE\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ibstatus.parse(text)


@given(st.text())
def test_any_text_gives_ports_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@pytest.mark.parametrize("name", FILES)
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"ibstatus/{name}")
    for end in range(len(text)):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    try:
        rows = ibstatus.parse(text)
    except ParseError:
        return
    assert all(isinstance(row, Port) for row in rows)
