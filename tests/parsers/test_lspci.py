"""lspci in the forms that people keep: every captured one, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.lspci import Device, Link, parse

TOOL = "lspci"
Captured = Callable[[str], dict[str, str]]

FULL = Link(32.0, 16, "ok", "ok")
ACS_ALL = frozenset({"SrcValid", "ReqRedir", "CmpltRedir", "UpstreamFwd"})
# file -> per block: (address, kind, link state, ACS functions that are on)
BLOCKS: dict[str, list[tuple[str | None, str | None, Link, frozenset[str] | None]]] = {
    "01-vvv-h100-and-cx7-ok.txt": [
        ("00000000:19:00.0", "3D controller", FULL, None),
        ("00000000:1a:00.0", "Ethernet controller", FULL, None),
    ],
    "02-vvv-nvswitch-x2-ok.txt": [("00000000:83:00.0", "Bridge", Link(16.0, 2, "ok", "ok"), None)],
    "03-vvv-bridges-acs-enabled.txt": [
        ("00000000:00:0c.0", "PCI bridge", Link(5.0, 1, "downgraded", "ok"), frozenset({"SrcValid"})),
        ("00000000:00:0e.0", "PCI bridge", Link(5.0, 1, "downgraded", "ok"), frozenset({"SrcValid"})),
        ("00000000:82:00.0", "PCI bridge", Link(16.0, 2, "ok", "ok"), ACS_ALL),
    ],
    "04-vvv-downgraded-links.txt": [
        ("00000000:00:0c.0", "PCI bridge", Link(5.0, 1, "downgraded", "ok"), frozenset({"SrcValid"})),
        ("00000000:00:0e.0", "PCI bridge", Link(5.0, 1, "downgraded", "ok"), frozenset({"SrcValid"})),
        ("00000000:01:00.0", "Ethernet controller", Link(5.0, 1, "ok", "downgraded"), None),
    ],
    "05-vvv-mi100-strange-and-x0.txt": [
        ("00000000:20:01.1", "PCI bridge", Link(2.5, 16, "downgraded", "strange"), ACS_ALL - {"SrcValid"}),
        ("00000000:20:01.2", "PCI bridge", Link(2.5, 16, "downgraded", "strange"), ACS_ALL - {"SrcValid"}),
        ("00000000:06:00.0", "PCI bridge", Link(2.5, 0, "downgraded", "downgraded"), ACS_ALL),
        ("00000000:0c:01.0", "PCI bridge", Link(2.5, 0, "downgraded", "downgraded"), ACS_ALL),
    ],
    "06-vvv-v100-cx5-no-ok-suffix.txt": [
        ("00000000:40:00.0", "3D controller", Link(8.0, 16), None),
        ("00000000:86:00.0", "Ethernet controller", Link(8.0, 16), frozenset()),
    ],
    "07-grep-speed-mi300.txt": [(None, None, FULL, None)],
}
# file -> (devices, NVIDIA GPUs, NVSwitches) by class and vendor number
LISTS = {"08-nn-a100-nvswitch.txt": (31, 8, 6), "09-nn-a10.txt": (20, 1, 0)}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == {*BLOCKS, *LISTS}


@pytest.mark.parametrize("name", BLOCKS)
def test_captured_blocks(name: str, captured: Captured) -> None:
    devices = parse(captured(TOOL)[name])
    assert [(d.address, d.kind, d.state, d.acs) for d in devices] == BLOCKS[name]
    assert not any(d.hidden for d in devices)


@pytest.mark.parametrize("name", LISTS)
def test_captured_lists(name: str, captured: Captured) -> None:
    devices = parse(captured(TOOL)[name])
    nvidia = [d for d in devices if d.ids is not None and d.ids[0] == 0x10DE]
    gpus = [d for d in nvidia if d.class_code == 0x0302]
    assert (len(devices), len(gpus), len([d for d in nvidia if d.class_code == 0x0680])) == LISTS[name]


def test_gpus_may_differ_in_the_domain_only(captured: Captured) -> None:
    devices = parse(captured(TOOL)["08-nn-a100-nvswitch.txt"])
    assert [d.address for d in devices[:2]] == ["00000001:00:00.0", "00000002:00:00.0"]
    assert devices[0].ids == (0x10DE, 0x20B2)


def test_capability_is_read_beside_the_state(captured: Captured) -> None:
    devices = parse(captured(TOOL)["05-vvv-mi100-strange-and-x0.txt"])
    assert [d.capability for d in devices] == [Link(16.0, 4), Link(16.0, 4), Link(16.0, 16), Link(16.0, 16)]


def test_without_rights_the_capabilities_are_hidden() -> None:
    text = "19:00.0 3D controller: NVIDIA Corporation Device 2330\n\tCapabilities: <access denied>\n"
    assert parse(text) == (
        Device("00000000:19:00.0", "3D controller", None, "NVIDIA Corporation Device 2330", None, None, None, None, True),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "\n", "lspci: command not found\n", "19:00.0 3D controller: X\n\tLnkSta:\tSpeed fast, Width wide\n"],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("name", [*BLOCKS, *LISTS])
def test_a_cut_text_gives_fewer_devices_or_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name]
    whole = len(parse(text))
    for cut in range(0, len(text), max(1, len(text) // 30)):
        try:
            assert len(parse(text[:cut])) <= whole
        except ParseError:
            pass


@given(st.text())
def test_any_text_gives_devices_or_a_parse_error(text: str) -> None:
    for tried in (text, f"19:00.0 Bridge: {text}", f"19:00.0 Bridge: X\n\tLnkSta: {text}\n\tACSCtl: {text}"):
        try:
            assert parse(tried)
        except ParseError:
            pass
