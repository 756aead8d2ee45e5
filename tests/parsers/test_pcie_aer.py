"""PCIe errors in kernel logs: one event however many records tell of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.parsers.kernel_log import parse_records
from bringup.parsers.kernel_records import records
from bringup.parsers.pcie_aer import AerEvent, Severity, aer_events

TOOL = "pcie-aer"
Captured = Callable[[str], dict[str, str]]

EXPECTED: dict[str, tuple[AerEvent, ...]] = {
    "01-corrected-rxerr-baddllp.txt": (
        AerEvent(
            address="00000000:02:00.0",
            port="00000000:00:1c.5",
            severity=Severity.CORRECTED,
            layer="Physical Layer",
            errors=("RxErr", "BadDLLP"),
            multiple=True,
            age_s=None,
        ),
    ),
    "03-corrected-agent-reported-first-no-aer-prefix.txt": (
        AerEvent(
            address="00000003:31:00.0",
            port="00000003:30:00.0",
            severity=Severity.CORRECTED,
            layer="Data Link Layer",
            errors=("Timeout",),
            multiple=True,
            age_s=None,
        ),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_events(name: str, captured: Captured) -> None:
    assert parse_records(captured(TOOL)[name]) == EXPECTED[name]


def events(text: str) -> tuple[AerEvent, ...]:
    return aer_events(records(text), 1000.0, 100.0)


def test_details_without_the_root_ports_record_are_an_event() -> None:
    text = (
        "[   40.000000] pcieport 0000:00:1c.0: AER: PCIe Bus Error: severity=Uncorrected (Non-Fatal), "
        "type=Transaction Layer, (Requester ID)\n"
        "[   40.000001] pcieport 0000:00:1c.0:    [20] UnsupReq               (First)\n"
    )
    assert events(text) == (
        AerEvent(
            "00000000:00:1c.0", None, Severity.NONFATAL, "Transaction Layer", ("UnsupReq",), False, 60.0
        ),
    )


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("AER: Corrected error received: 0000:02:00.0", Severity.CORRECTED),
        ("AER: Correctable error message received from 0000:02:00.0", Severity.CORRECTED),
        ("AER: Uncorrected (Non-Fatal) error received: 0000:02:00.0", Severity.NONFATAL),
        ("AER: Multiple Uncorrected (Fatal) error received: 0000:02:00.0", Severity.FATAL),
        ("AER: Uncorrectable (Fatal) error message received from 0000:02:00.0", Severity.FATAL),
    ],
)
def test_wordings_of_the_root_port(words: str, severity: Severity) -> None:
    (event,) = events(f"[   40.000000] pcieport 0000:00:1c.5: {words}\n")
    assert (event.address, event.port, event.severity, event.age_s) == (
        "00000000:02:00.0",
        "00000000:00:1c.5",
        severity,
        60.0,
    )


def test_an_old_kernel_names_no_source() -> None:
    (event,) = events("pcieport 0000:00:1c.5: AER: Corrected error received: id=00e5\n")
    assert (event.address, event.port) == ("00000000:00:1c.5", "00000000:00:1c.5")


def test_two_reports_are_two_events() -> None:
    line = "[   40.000000] pcieport 0000:00:1c.5: AER: Corrected error received: 0000:02:00.0\n"
    detail = "[   40.000001] nvme 0000:02:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer\n"
    assert len(events(2 * (line + detail))) == 2
    assert len(events(line + 2 * detail)) == 2


def test_a_wrapped_line_belongs_to_its_record() -> None:
    text = (
        "[   40.000000] pcieport 0000:00:1c.5: AER: Corrected error\nreceived: 0000:02:00.0\n"
        "[   40.000001] nvme 0000:02:00.0: PCIe Bus Error: severity=Corrected,\ntype=Physical Layer, (Receiver ID)\n"
    )
    assert [(e.address, e.layer) for e in events(text)] == [("00000000:02:00.0", "Physical Layer")]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_cut_piece_never_gives_more_events(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name]
    assert all(len(parse_records(text[:cut])) <= len(EXPECTED[name]) for cut in range(0, len(text), 7))


@given(st.text())
def test_any_text_gives_events(text: str) -> None:
    assert isinstance(events(text), tuple)
    assert isinstance(events(f"pcieport 0000:00:1c.5: AER: Corrected error received: {text}"), tuple)
