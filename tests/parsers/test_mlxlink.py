"""mlxlink in both formats: copper, optics, values that are not reported, failures."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import mlxlink
from bringup.parsers.mlxlink import Errors, Link, Module, Reading

Read = Callable[[str], str]

OPTICS = Module(
    identifier="OSFP",
    cable="Optical Module (separated)",
    vendor="EXAMPLE",
    part="OSFP-400G-DR4",
    serial="S00XXX000000",
    temperature_c=Reading((61.0,), -10.0, 80.0),
    voltage_mv=Reading((3235.5,), 2970.0, 3630.0),
    bias_ma=Reading((265.504, 265.504, 248.416, 248.416), 40.0, 480.0),
    rx_dbm=Reading((3.583, 3.253, 3.233, 2.658), -9.914, 6.999),
    tx_dbm=Reading((2.193, 1.202, 1.708, 1.274), -6.904, 6.999),
)


def dr4(module: Module, errors: Errors) -> Link:
    return Link(
        state="Active",
        physical_state="ETH_AN_FSM_ENABLE",
        speed="400G",
        width=4,
        fec="Standard_RS-FEC - (544,514)",
        autonegotiation="ON",
        opcode=0,
        recommendation="No issue was observed",
        firmware="28.47.1088",
        module=module,
        errors=errors,
    )


FILES: dict[str, Link] = {
    "01-m-c-100g-dac-mft430.txt": Link(
        state="Active",
        physical_state="LinkUp",
        speed="100G",
        width=4,
        fec="Standard RS-FEC - RS(528,514)",
        autonegotiation="ON",
        opcode=0,
        recommendation="No issue was observed",
        firmware="32.43.2402",
        module=Module(
            "QSFP28", "Passive copper cable", "FS", "Q28-PC03", "S2202655321-1", None, None, None, None, None
        ),
        errors=Errors(25074.8, 0, 0.0, None, None, (0.0, 0.0, 0.0, 0.0), 0.0, (), 0, 0),
    ),
    "02-json-400g-dr4-mft4341.json": dr4(
        OPTICS,
        Errors(
            minutes=2718.1,
            effective=0,
            effective_ber=0.0,
            symbol=None,
            symbol_ber=None,
            raw=(3017647.0, 15132549.0, 7368641.0, 9233545.0),
            raw_ber=5e-10,
            raw_ber_lanes=(1e-10, 1e-9, 4e-10, 5e-10),
            link_down=0,
            recovery=0,
        ),
    ),
    "04-json-na-fields.json": dr4(
        Module(
            identifier="OSFP",
            cable="Optical Module (separated)",
            vendor="EXAMPLE",
            part="OSFP-400G-DR4",
            serial="S00XXX000000",
            temperature_c=None,
            voltage_mv=None,
            bias_ma=Reading((265.504, None, 248.416, 248.416), 40.0, 480.0),
            rx_dbm=None,
            tx_dbm=None,
        ),
        Errors(2718.1, None, None, None, None, (), None, (), 0, 0),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("mlxlink")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Read, name: str) -> None:
    assert mlxlink.parse(read(f"mlxlink/{name}")) == FILES[name]


def test_a_stale_result_under_a_failed_status_is_no_answer(read: Read) -> None:
    report = json.loads(read("mlxlink/02-json-400g-dr4-mft4341.json"))
    report["status"] = {"code": 1, "message": "Failed to send access register"}  # invented status
    with pytest.raises(ParseError, match="Failed to send access register"):
        mlxlink.parse(json.dumps(report))


def test_a_port_that_is_down_in_colours() -> None:
    # invented values; the tool colours its words
    text = (
        "$ mlxlink -d mlx5_0\n\nOperational Info\n----------------\n"
        "State                              : \x1b[31mPolling\x1b[0m \n"
        "Physical state                     : ETH_AN_FSM_ENABLE \nSpeed : N/A\nWidth : N/A\n\n"
        "Troubleshooting Info\n--------------------\nStatus Opcode : 1024\n"
        "Recommendation : Cable is unplugged\n"
    )
    link = mlxlink.parse(text)
    assert (link.state, link.speed, link.width, link.opcode) == ("Polling", None, None, 1024)
    assert (link.recommendation, link.module, link.errors) == ("Cable is unplugged", None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"status": {"code": 0}}',
        '{"status": {"code": 0}, "result": {"output": {}}}',
        '{"status": {"code": 0}, "result": {"output": {"Operational Info": {"State": null}}}}',
        "-E- Failed to open device: /dev/mst/mt4129_pciconf0\n",
        "Operational Info\n----------------\n",
        "Operational Info\n----------------\nState : Active\nWidth : wide\n",
        "Operational Info\n----------------\nState : Active\nsomething else\nSpeed : 100G\n",
        "Operational Info\n----------------\nState : Active\n\nTroubleshooting In",
        "Operational Info\n----------------\nState : Active\n\nModule Info\n-----------\nTemperature [C] : hot\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        mlxlink.parse(text)


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(".json")])
def test_json_cut_off(read: Read, name: str) -> None:
    text = read(f"mlxlink/{name}").rstrip()
    for end in range(0, len(text), 53):
        with pytest.raises(ParseError):
            mlxlink.parse(text[:end])


@given(st.text())
def test_any_text_gives_a_link_or_a_parse_error(text: str) -> None:
    head = "Operational Info\n----------------\nState : Active\n"
    reading = json.dumps(
        {
            "status": {"code": 0},
            "result": {
                "output": {
                    "Operational Info": {"State": "Active", "Width": text},
                    "Module Info": {"Rx Power Current [dBm]": text},
                    "Physical Counters and BER Info": {"Raw Physical BER Per Lane": {"values": [text]}},
                }
            },
        }
    )
    for tried in (text, head + text, reading):
        try:
            assert isinstance(mlxlink.parse(tried), Link)
        except ParseError:
            pass
