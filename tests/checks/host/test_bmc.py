"""host.bmc: sensors, events in and before the window, events taken back, no BMC."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.ipmi import EVENTS, PRESENT, SENSORS

# invented, in the layouts of ipmitool 1.8 (`sdr`, `sel elist`)
PSU = "Power Supply #0x74 | Power Supply AC lost"
SDR = """Inlet Temp       | 23 degrees C      | ok
Fan1 RPM         | 7080 RPM          | ok
PS2 Status       | 0x01              | ok
Slot9            | no reading        | ns
"""
SEL = """11/20/2026 12:00:00
   1 | Pre-Init  |0000000021| Event Logging Disabled #0x07 | Log area reset/cleared | Asserted
   2 | 11/02/2026 | 03:12:45 | Fan #0x30 | Lower Critical going low  | Asserted
   3 | 11/20/2026 | 09:00:00 UTC | Temperature #0x01 | Upper Non-critical going high | Asserted
"""


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(sdr: object = SDR, sel: object = SEL, present: object = "virtual=no\ndevice=yes\n"):
        out = make_outputs({SENSORS: sdr, EVENTS: sel, PRESENT: present})
        return judged(load_check("host/bmc.py"), node, out, make_context(facts={"bmc.lookback_h": 24}))

    return run


def test_a_healthy_bmc_with_an_old_event(judge, values, found) -> None:
    outcome = judge()
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("critical sensors", "gpu-001", 0, True),
        ("critical events", "gpu-001", 0, True),
    ]
    assert found(outcome) == [("note", "BMC-EVENT", "gpu-001")]
    assert "Fan #0x30: Lower Critical going low" in outcome.findings[0].message


def test_a_power_supply_without_power(judge, found) -> None:
    outcome = judge(sel=SEL + f"   4 | 11/20/2026 | 11:30:00 | {PSU} | Asserted\n")
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome)[0] == ("fail", "POWER-SUPPLY", "gpu-001")
    assert outcome.findings[0].message == "Power Supply #0x74: Power Supply AC lost, 0.5 h ago"


def test_an_event_that_was_taken_back_is_over(judge) -> None:
    sel = (
        SEL
        + f"   4 | 11/20/2026 | 11:30:00 | {PSU} | Asserted\n   5 | 11/20/2026 | 11:31:00 | {PSU} | Deasserted\n"
    )
    assert judge(sel=sel).verdict is Verdict.PASS


def test_a_critical_and_a_warm_sensor(judge, found) -> None:
    sdr = SDR.replace("| 7080 RPM          | ok", "| 120 RPM           | cr").replace(
        "C      | ok", "C      | nc"
    )
    outcome = judge(sdr)
    assert (outcome.verdict, found(outcome)[:2]) == (
        Verdict.FAIL,
        [("fail", "BMC-SENSOR", "gpu-001"), ("note", "BMC-SENSOR", "gpu-001")],
    )
    assert outcome.findings[0].message == "Fan1 RPM: 120 RPM (cr)"


def test_an_empty_log(judge, values) -> None:
    assert values(judge(sel="11/20/2026 12:00:00\nSEL has no entries\n"))[1][2] == 0


def test_machines_without_a_bmc(judge) -> None:
    virtual, bare = judge(present="virtual=yes\ndevice=no\n"), judge(present="virtual=no\ndevice=no\n")
    assert (virtual.verdict, virtual.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert (bare.verdict, "ipmi_devintf" in bare.reason) == (Verdict.ERROR, True)


def test_without_root_without_the_tool_and_unknown(judge, answer) -> None:
    refused = answer(status=1, stderr="Could not open device at /dev/ipmi0 or /dev/ipmi/0")
    assert (judge(refused).verdict, "needs root" in judge(refused).reason) == (Verdict.ERROR, True)
    assert judge(answer(ended=Ended.MISSING, detail="ipmitool")).code == "TOOL-MISSING"
    assert judge(sdr="what?\n").code == "OUTPUT-UNKNOWN"
    assert judge(sel="   2 | 11/02/2026 | 03:12:45 | Fan #0x30 | x | Asserted\n").code == "OUTPUT-UNKNOWN"
    assert judge(sel=SEL + "truncated li").code == "OUTPUT-UNKNOWN"
