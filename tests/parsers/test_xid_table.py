"""The table of Xids: what counts against the hardware, and that every entry can be acted on."""

import pytest

from bringup.parsers.xid_table import XIDS, Kind, meaning


@pytest.mark.parametrize("code", [13, 31, 43, 45])
def test_what_programs_cause_is_no_hardware(code: int) -> None:
    assert meaning(code).kind is Kind.APPLICATION


@pytest.mark.parametrize("code", [48, 63, 64, 74, 79, 92, 94, 95, 119, 120, *range(144, 151), 154])
def test_what_wants_a_look_at_hardware(code: int) -> None:
    assert meaning(code).kind is Kind.HARDWARE


def test_every_hardware_entry_says_what_to_do() -> None:
    assert [code for code, m in XIDS.items() if m.kind is Kind.HARDWARE and not m.action] == []
    assert [code for code, m in XIDS.items() if not m.name or m.action.endswith(".")] == []


def test_a_number_that_nobody_listed_counts_as_hardware() -> None:
    assert 999 not in XIDS
    assert meaning(999).kind is Kind.HARDWARE
