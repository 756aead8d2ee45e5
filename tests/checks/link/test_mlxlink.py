"""link.mlxlink, link.ber and the four checks of modules, on captured answers of mlxlink and ethtool -m."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers import mlxlink, per_interface

OPTIC = "mlxlink/02-json-400g-dr4-mft4341.json"
COPPER = "mlxlink/01-m-c-100g-dac-mft430.txt"
SILENT = "mlxlink/04-json-na-fields.json"
DARK = "ethtool-m/05-25g-lr-rx-minus40.txt"
LIMITS = {
    "link.ber.effective": ("<=", 1e-12),
    "link.ber.raw": ("<=", 1e-7),
    "link.optic.temperature": ("<=", 75, "C"),
}
FACTS = {"fabric.hcas": ["mlx5_0"], "fabric.link_layer": "InfiniBand", "tools.required": []}
ALL = ("mlxlink", "ber", "optics_power", "optics_temperature", "optics_bias", "optics_identity")
OPTICS = ALL[2:]
AT = "gpu-001/hca/mlx5_0/port/1"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    """The outcome with these answers of mlxlink by device; `module` is the answer of ethtool -m."""

    def judge(name, text, facts=None, limits=None, module="=== no interface\n", **more):
        answers = {mlxlink.port(hca): said for hca, said in {"mlx5_0": text, **more}.items()}
        facts = {**FACTS, **(facts or {}), "fabric.hcas": ["mlx5_0", *more]}
        outputs = make_outputs({**answers, per_interface.MODULE: module})
        return judged(
            load_check(f"link/{name}.py"), node, outputs, make_context({**LIMITS, **(limits or {})}, facts)
        )

    return judge


def bad(outcome) -> list[tuple[str, str, object]]:
    return [(m.name, m.at, m.value) for m in outcome.measurements if not m.ok]


def swapped(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize("name", ALL)
def test_they_share_one_answer_for_each_port(load_check, node, make_context, name) -> None:
    facts = {**FACTS, "fabric.hcas": ["mlx5_0", "mlx5_1"]}
    commands = [
        s.command for s in load_check(f"link/{name}.py").plan(node, make_context(LIMITS, facts)).steps
    ]
    assert commands == [mlxlink.port("mlx5_0"), mlxlink.port("mlx5_1")]


@pytest.mark.parametrize("name", ALL)
def test_a_node_without_planned_ports(load_check, node, make_context, name) -> None:
    with pytest.raises(NotApplicable):
        load_check(f"link/{name}.py").plan(node, make_context(LIMITS, {**FACTS, "fabric.hcas": []}))


@pytest.mark.parametrize("name", ALL)
def test_a_healthy_optical_port(judge, corpus_text, name) -> None:
    outcome = judge(name, corpus_text(OPTIC))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert {m.at for m in outcome.measurements} == {AT}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "text", ["", "-E- Failed to open device\n", '{"status": {"code": 1, "message": "no"}}']
)
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize("name", ALL)
def test_a_port_that_fails_does_not_hide_the_others(judge, corpus_text, answer, name) -> None:
    broken = answer("", status=1, stderr="-E- Failed to open device: Permission denied\n")
    outcome = judge(name, corpus_text(OPTIC), mlx5_1=broken)
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason == (
        "mlx5_1: mlxlink without root ended with status 1: -E- Failed to open device: Permission denied"
    )
    assert outcome.error_at == "gpu-001/hca/mlx5_1/port/1"
    assert {m.at for m in outcome.measurements} == {AT}


@pytest.mark.parametrize("name", ALL)
def test_a_missing_tool_is_an_error_only_where_it_is_required(judge, answer, name) -> None:
    missing = answer(ended=Ended.MISSING, detail="mlxlink")
    optional = judge(name, missing)
    assert (optional.verdict, optional.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    required = judge(name, missing, facts={"tools.required": ["mlxlink"]})
    assert (required.verdict, required.code) == (Verdict.ERROR, "TOOL-MISSING")


@pytest.mark.parametrize("name", ALL)
def test_a_tool_that_hangs(judge, answer, name) -> None:
    outcome = judge(name, answer(ended=Ended.TIMEOUT))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COMMAND-HANGS")


# ------------------------------------------------------------------------------------- the adapter's opinion


def test_an_issue_with_its_meaning(judge, corpus_text) -> None:
    text = swapped(corpus_text(OPTIC), '"Status Opcode" : "0"', '"Status Opcode" : "15"')
    text = swapped(text, "No issue was observed", "Bad signal integrity")
    outcome = judge("mlxlink", text)
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("link.opcode", AT, 15)]
    assert outcome.findings[0].message == (
        "opcode 15: Bad signal integrity; bad signal: clean and reseat both ends, then replace the cable"
    )


@pytest.mark.parametrize("opcode", ["128", "1023", "N/A"])
def test_no_opinion_is_no_pass(judge, corpus_text, opcode) -> None:
    text = swapped(corpus_text(OPTIC), '"Status Opcode" : "0"', f'"Status Opcode" : "{opcode}"')
    outcome = judge("mlxlink", text)
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        f"the adapter has no opinion of its link: {AT}",
    )


# -------------------------------------------------------------------------------------------------- errors


def test_errors_after_correction(judge, corpus_text) -> None:
    text = swapped(
        corpus_text(OPTIC), '"Effective Physical BER" : "15E-255"', '"Effective Physical BER" : "3E-10"'
    )
    outcome = judge("ber", text)
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("link.ber.effective", AT, 3e-10)]


def test_raw_errors_of_pam4_are_a_reading(judge, corpus_text) -> None:
    outcome = judge("ber", corpus_text(OPTIC), limits={"link.ber.raw": ("<=", 0)})
    assert outcome.verdict is Verdict.PASS
    assert [(m.value, m.limit) for m in outcome.measurements if m.name == "link.ber.raw"] == [(5e-10, None)]


def test_raw_errors_without_pam4_are_judged(judge, corpus_text) -> None:
    text = corpus_text(COPPER)
    line = next(line for line in text.splitlines() if line.startswith("Raw Physical BER"))
    outcome = judge("ber", text.replace(line, line.partition(":")[0] + ": 2E-5"))
    assert bad(outcome) == [("link.ber.raw", AT, 2e-5)]


def test_symbol_errors_where_the_profile_has_a_limit(judge, corpus_text) -> None:
    swap = '"Effective Physical BER" : "15E-255"'
    text = swapped(corpus_text(OPTIC), swap, swap + ', "Symbol BER" : "1E-9"')  # invented
    assert judge("ber", text).verdict is Verdict.PASS
    strict = judge("ber", text, limits={"link.ber.symbol": ("<=", 1e-12)})
    assert bad(strict) == [("link.ber.symbol", AT, 1e-9)]


def test_a_rate_that_is_not_reported_is_no_pass(judge, corpus_text) -> None:
    outcome = judge("ber", corpus_text(SILENT))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())


# ------------------------------------------------------------------------------------------------- modules


def test_weak_light_of_one_lane(judge, corpus_text) -> None:
    outcome = judge("optics_power", swapped(corpus_text(OPTIC), "3.583,3.253,", "3.583,-12.5,"))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("rx power of lane 2", AT, -12.5)]
    assert [str(m.limit) for m in outcome.measurements if not m.ok] == ["at least -9.914 dBm"]


def test_darkness_needs_no_limits_of_the_module(judge, corpus_text) -> None:
    text = corpus_text(OPTIC)
    text = swapped(text, "3.583,3.253,3.233,2.658 [-9.914..6.999]", "-40,-40,-40,-40")
    assert len(bad(judge("optics_power", text))) == 4


def test_light_that_is_not_reported_is_no_pass(judge, corpus_text) -> None:
    outcome = judge("optics_power", corpus_text(SILENT))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        f"the light is not reported by {AT} rx, {AT} tx",
    )


@pytest.mark.parametrize("name", ["optics_power", "optics_temperature", "optics_bias"])
def test_copper_has_nothing_to_judge(judge, corpus_text, name) -> None:
    outcome = judge(name, corpus_text(COPPER))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


@pytest.mark.parametrize(("heat", "limit"), [("78", "at most 75 C"), ("85", "at most 75 C")])
def test_a_hot_module(judge, corpus_text, heat, limit) -> None:
    outcome = judge("optics_temperature", swapped(corpus_text(OPTIC), "61 [-10..80]", f"{heat} [-10..80]"))
    assert bad(outcome) == [("link.optic.temperature", AT, float(heat))]
    assert str(outcome.measurements[0].limit) == limit


def test_a_module_that_is_warmer_than_it_may_be_itself(judge, corpus_text) -> None:
    outcome = judge("optics_temperature", swapped(corpus_text(OPTIC), "61 [-10..80]", "72 [-10..70]"))
    assert bad(outcome) == [("link.optic.temperature", AT, 72.0)]


def test_an_old_laser(judge, corpus_text) -> None:
    outcome = judge("optics_bias", swapped(corpus_text(OPTIC), "265.504,265.504,", "490.1,265.504,"))
    assert bad(outcome) == [("bias of lane 1", AT, 490.1)]


def test_identity_and_approved_parts(judge, corpus_text, values, found) -> None:
    outcome = judge("optics_identity", corpus_text(OPTIC))
    assert values(outcome) == [
        ("link.optic.vendor", AT, "EXAMPLE", True),
        ("link.optic.part", AT, "OSFP-400G-DR4", True),
        ("link.optic.serial", AT, "S00XXX000000", True),
    ]
    approved = {"link.optic.approved": ["OSFP-400G-DR4"]}
    assert judge("optics_identity", corpus_text(OPTIC), facts=approved).verdict is Verdict.PASS
    other = judge("optics_identity", corpus_text(COPPER), facts=approved)
    assert other.verdict is Verdict.FAIL
    assert found(other) == [("fail", "OPTIC-PART", AT)]


# ------------------------------------------------------------------------------- Ethernet without mlxlink


def ethtool_m(text: str, status: int = 0, device: str = "mlx5_0") -> str:
    return f"=== {device} eth2\n{text.rstrip()}\n=== status {status}\n"


def test_ethtool_tells_of_modules_where_mlxlink_is_missing(judge, corpus_text, answer) -> None:
    missing = answer(ended=Ended.MISSING, detail="mlxlink")
    ethernet = {"fabric.link_layer": "Ethernet"}
    outcome = judge("optics_power", missing, facts=ethernet, module=ethtool_m(corpus_text(DARK)))
    assert bad(outcome) == [("rx power of lane 1", AT, -40.0)]
    warm = judge("optics_temperature", missing, facts=ethernet, module=ethtool_m(corpus_text(DARK)))
    assert (warm.verdict, [m.value for m in warm.measurements]) == (Verdict.PASS, [34.99])
    copper = ethtool_m(corpus_text("ethtool-m/04-dac-copper.txt"))
    assert judge("optics_power", missing, facts=ethernet, module=copper).why is Why.NOT_APPLICABLE


def test_a_module_that_only_root_may_read(judge, answer) -> None:
    missing = answer(ended=Ended.MISSING, detail="mlxlink")
    said = ethtool_m("netlink error: Operation not permitted", status=1)
    outcome = judge("optics_power", missing, facts={"fabric.link_layer": "Ethernet"}, module=said)
    assert outcome.verdict is Verdict.ERROR
    assert "may only be read by root" in outcome.reason


@pytest.mark.parametrize("name", OPTICS)
def test_neither_tool(judge, answer, name) -> None:
    missing = answer(ended=Ended.MISSING, detail="mlxlink")
    no_ethtool = answer(ended=Ended.MISSING, detail="ethtool")
    outcome = judge(name, missing, facts={"fabric.link_layer": "Ethernet"}, module=no_ethtool)
    assert outcome.why is Why.NOT_APPLICABLE
