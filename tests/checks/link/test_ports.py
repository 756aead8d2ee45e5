"""link.present, link.state, link.rate, link.layer and link.errors on real and altered port trees."""

from __future__ import annotations

import re

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Port, Verdict, Weight
from bringup.parsers import rdma_transport
from bringup.parsers.rdma_sysfs import PORTS

GOOD = "sysfs-infiniband/04-8x-hdr-good.txt"
INIT = "sysfs-infiniband/07-two-ports-stuck-init.txt"
EDR = "sysfs-infiniband/05-8x-edr-instead-of-hdr.txt"
H100 = "sysfs-infiniband/01-h100-mlx5_0-all-counters.txt"
FLAPPED = "sysfs-infiniband/02-h100-mlx5_1-all-counters.txt"
HCAS = ["mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3", "mlx5_6", "mlx5_7", "mlx5_8", "mlx5_9"]
LIMITS = {
    "link.state": ("==", "ACTIVE"),
    "link.phys_state": ("==", "LinkUp"),
    "link.rate": ("==", 200, "Gb/s"),
    "link.layer": ("==", "InfiniBand"),
    "link.symbol_errors": ("<=", 10),
    "link.recovery": ("<=", 10),
    "link.link_downed": ("<=", 10),
    "link.rcv_errors": ("<=", 100),
    "link.xmit_discards": ("<=", 1000),
}
FACTS = {"fabric.hcas": HCAS}
COUNTERS = ("symbol_error", "link_error_recovery", "link_downed", "port_rcv_errors", "port_xmit_discards")


def port(hca: str) -> str:
    return f"gpu-001/hca/{hca}/port/1"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    """The outcome of a link check on this text; `facts` and `node` can be replaced."""

    def judge(name, text, facts=None, on=node, limits=LIMITS):
        return judged(
            load_check(f"link/{name}.py"),
            on,
            make_outputs({PORTS: text}),
            make_context(limits, facts or FACTS),
        )

    return judge


ALL = ("present", "state", "rate", "layer", "errors", "firmware")


@pytest.mark.parametrize("name", ALL)
def test_they_share_one_reading(load_check, node, make_context, name) -> None:
    check = load_check(f"link/{name}.py")
    assert [s.command for s in check.plan(node, make_context(LIMITS, FACTS)).steps] == [PORTS]


@pytest.mark.parametrize("name", ALL)
def test_a_node_without_planned_ports(load_check, node, make_context, name) -> None:
    with pytest.raises(NotApplicable):
        load_check(f"link/{name}.py").plan(node, make_context(LIMITS, {"fabric.hcas": []}))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", ["", "sh: grep: not found\n"])
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize("name", ALL)
def test_a_lost_node(judge, answer, name) -> None:
    outcome = judge(name, answer(ended=Ended.LOST, detail="connection lost: eof"))
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "NODE-LOST", ())


# ------------------------------------------------------------------------------------------------- present


def test_all_present(judge, corpus_text, values) -> None:
    outcome = judge("present", corpus_text(GOOD))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    said = values(outcome)
    assert [v for v in said if v[0] == "present"] == [
        ("present", f"gpu-001/hca/{hca}", "yes", True) for hca in HCAS
    ]
    places = {at: place for name, at, place, _ in said if name == "pcie place"}
    assert places.keys() >= {f"gpu-001/hca/{hca}" for hca in HCAS}
    assert all(re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.0", place) for place in places.values())


def test_a_missing_adapter_is_named(judge, corpus_text, values) -> None:
    text = "\n".join(line for line in corpus_text(GOOD).splitlines() if "/mlx5_3/" not in line)
    outcome = judge("present", text)
    assert outcome.verdict is Verdict.FAIL
    assert [v for v in values(outcome) if not v[3]] == [("present", "gpu-001/hca/mlx5_3", "no", False)]


def test_no_adapter_at_all_is_a_failure_and_no_unknown(judge, values) -> None:
    outcome = judge("present", "no RDMA devices: /sys/class/infiniband is empty or absent\n")
    assert outcome.verdict is Verdict.FAIL
    assert len([v for v in values(outcome) if not v[3]]) == 8


# --------------------------------------------------------------------------------------------------- state


def broken(outcome) -> list[tuple[str, str, object, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_all_up(judge, corpus_text, values) -> None:
    outcome = judge("state", corpus_text(GOOD))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome)[:2] == [
        ("state", port("mlx5_0"), "ACTIVE", True),
        ("phys_state", port("mlx5_0"), "LinkUp", True),
    ]
    assert len(outcome.measurements) == 16


def test_a_port_that_waits_for_the_subnet_manager(judge, corpus_text) -> None:
    outcome = judge("state", corpus_text(INIT))
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [
        ("state", port("mlx5_6"), "INIT", "LINK-INIT"),
        ("state", port("mlx5_8"), "INIT", "LINK-INIT"),
    ]


def altered(text: str, hca: str, **files: str) -> str:
    """The tree with other contents of some files of a port."""
    lines = []
    for line in text.splitlines():
        for name, value in files.items():
            if f"/{hca}/ports/1/{name}:" in line:
                line = line.partition(f"/{name}:")[0] + f"/{name}:{value}"
        lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("state", "phys", "code"),
    [
        ("1: DOWN", "2: Polling", "LINK-DOWN"),
        ("1: DOWN", "3: Disabled", "LINK-DISABLED"),
        ("1: DOWN", "5: LinkUp", "LINK-INIT"),
        ("1: DOWN", "4: PortConfigurationTraining", "LINK-DOWN"),
    ],
)
def test_a_port_that_is_down(judge, corpus_text, state, phys, code) -> None:
    outcome = judge("state", altered(corpus_text(GOOD), "mlx5_2", state=state, phys_state=phys))
    assert outcome.verdict is Verdict.FAIL
    assert {(at, c) for _, at, _, c in broken(outcome)} == {(port("mlx5_2"), code)}


@pytest.mark.parametrize(
    ("flags", "code"), [("0x1003", "LINK-DOWN"), ("0x1002", "LINK-DISABLED"), (None, "LINK-DISABLED")]
)
def test_ethernet_says_disabled_without_a_carrier_too(judge, corpus_text, flags, code) -> None:
    text = altered(
        corpus_text(GOOD), "mlx5_2", state="1: DOWN", phys_state="3: Disabled", link_layer="Ethernet"
    )
    if flags:
        text += f"\n/sys/class/infiniband/mlx5_2/device/net/eth2/flags:{flags}\n"
    outcome = judge("state", text)
    assert {(at, c) for _, at, _, c in broken(outcome)} == {(port("mlx5_2"), code)}


def test_ports_outside_the_plan_are_never_judged(judge, corpus_text) -> None:
    text = altered(corpus_text(GOOD), "mlx5_9", state="1: DOWN", phys_state="2: Polling")
    outcome = judge("state", text, facts={"fabric.hcas": HCAS[:7]})
    assert (outcome.verdict, len(outcome.measurements)) == (Verdict.PASS, 14)


def test_the_inventory_names_the_ports_before_the_profile(judge, make_node, corpus_text) -> None:
    node = make_node(ports=(Port(0, "mlx5_6", "leaf-01", "7", "L01-07"),))
    outcome = judge("state", corpus_text(INIT), on=node)
    assert broken(outcome) == [("state", port("mlx5_6"), "INIT", "LINK-INIT")]
    assert len(outcome.measurements) == 2


def test_a_port_of_a_missing_adapter_fails_the_gate_at_its_own_place(judge, corpus_text) -> None:
    text = "\n".join(line for line in corpus_text(GOOD).splitlines() if "/mlx5_3/" not in line)
    outcome = judge("state", text)
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [
        ("state", port("mlx5_3"), "absent", "LINK-DOWN"),
        ("phys_state", port("mlx5_3"), "absent", "LINK-DOWN"),
    ]


def test_the_gate_holds_back_ports_not_nodes(load_check) -> None:
    assert load_check("link/state.py").gate == "component"


# ---------------------------------------------------------------------------------------------------- rate


def test_full_rate(judge, corpus_text, values) -> None:
    outcome = judge("rate", corpus_text(GOOD))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome)[:2] == [
        ("rate", port("mlx5_0"), 200.0, True),
        ("width", port("mlx5_0"), "4X HDR", True),
    ]


def test_half_rate_everywhere(judge, corpus_text) -> None:
    outcome = judge("rate", corpus_text(EDR))
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [("rate", port(hca), 100.0, "") for hca in HCAS]


def test_the_rate_of_a_port_that_is_down_means_nothing(judge, corpus_text) -> None:
    text = altered(corpus_text(GOOD), "mlx5_2", state="1: DOWN", rate="10 Gb/sec (4X SDR)")
    outcome = judge("rate", text)
    assert outcome.verdict is Verdict.PASS
    assert port("mlx5_2") not in {m.at for m in outcome.measurements}


def test_no_port_up_is_no_pass(judge, corpus_text) -> None:
    outcome = judge("rate", corpus_text(GOOD).replace("4: ACTIVE", "1: DOWN"))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "no planned port is ACTIVE, so no rate means anything (link.state says why)",
    )


def test_an_active_port_without_a_rate(judge, corpus_text) -> None:
    outcome = judge("rate", altered(corpus_text(GOOD), "mlx5_0", rate=""))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        f"{port('mlx5_0')} is ACTIVE and tells no rate",
    )


# --------------------------------------------------------------------------------------------------- layer


def test_layer(judge, corpus_text, values) -> None:
    outcome = judge("layer", corpus_text(GOOD))
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("link_layer", port(hca), "InfiniBand", True) for hca in HCAS]


def test_wrong_layer(judge, corpus_text) -> None:
    outcome = judge("layer", altered(corpus_text(GOOD), "mlx5_7", link_layer="Ethernet"))
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [("link_layer", port("mlx5_7"), "Ethernet", "")]


def test_layer_of_a_missing_adapter(judge, corpus_text) -> None:
    text = "\n".join(line for line in corpus_text(GOOD).splitlines() if "/mlx5_3/" not in line)
    outcome = judge("layer", text)
    assert (outcome.verdict, outcome.code, outcome.reason) == (
        Verdict.ERROR,
        "HCA-MISSING",
        "no link layer read from mlx5_3",
    )
    assert outcome.error_at == "gpu-001/hca/mlx5_3"


# -------------------------------------------------------------------------------------------------- errors


def test_few_errors(judge, corpus_text, values) -> None:
    outcome = judge("errors", corpus_text(H100), facts={"fabric.hcas": ["mlx5_0"]})
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    counts = (0, 0, 0, 14, 0)
    assert values(outcome) == [
        (name, port("mlx5_0"), count, True) for name, count in zip(COUNTERS, counts, strict=True)
    ]


def test_a_full_counter_means_at_least(judge, corpus_text) -> None:
    outcome = judge("errors", corpus_text(FLAPPED), facts={"fabric.hcas": ["mlx5_1"]})
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [("link_downed", port("mlx5_1"), 255, "")]
    assert outcome.findings == (
        Finding("LINK-ERRORS", "link_downed stands at its end: at least 255", port("mlx5_1"), Weight.NOTE),
    )


def test_counters_that_are_not_there_are_not_zero(judge, corpus_text) -> None:
    outcome = judge("errors", corpus_text(GOOD), facts={"fabric.hcas": ["mlx5_0"]})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "not reported: mlx5_0 symbol_error, mlx5_0 link_error_recovery, mlx5_0 link_downed,"
        " mlx5_0 port_rcv_errors, mlx5_0 port_xmit_discards",
    )


def test_counters_of_a_missing_adapter(judge, corpus_text) -> None:
    outcome = judge("errors", corpus_text(H100), facts={"fabric.hcas": ["mlx5_0", "mlx5_7"]})
    assert (outcome.verdict, outcome.code, outcome.error_at, outcome.reason) == (
        Verdict.ERROR,
        "HCA-MISSING",
        "gpu-001/hca/mlx5_7",
        "no counters of mlx5_7: no such adapter",
    )
    assert len(outcome.measurements) == 5


def test_errors_without_a_limit(judge, corpus_text) -> None:
    limits = {name: limit for name, limit in LIMITS.items() if name != "link.recovery"}
    outcome = judge("errors", corpus_text(H100), facts={"fabric.hcas": ["mlx5_0"]}, limits=limits)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "profile test has no limit link.recovery")


def test_rarer_counters_are_judged_where_the_profile_limits_them(judge, corpus_text) -> None:
    more = {"link.integrity_errors": ("<=", 10), "link.remote_errors": ("<=", 100)}
    facts = {"fabric.hcas": ["mlx5_0"]}
    assert judge("errors", corpus_text(H100), facts=facts, limits={**LIMITS, **more}).verdict is Verdict.PASS
    text = altered(corpus_text(H100), "mlx5_0", **{"counters/local_link_integrity_errors": "15"})
    outcome = judge("errors", text, facts=facts, limits={**LIMITS, **more})
    assert broken(outcome) == [("local_link_integrity_errors", port("mlx5_0"), 15, "")]
    assert [f.message for f in outcome.findings] == [
        "local_link_integrity_errors stands at its end: at least 15"
    ]
    assert judge("errors", text, facts=facts).verdict is Verdict.PASS


SM_FACTS = {**FACTS, "fabric.link_layer": "InfiniBand"}


def with_lids(text: str) -> str:
    """The text with the LIDs that this capture left out (invented numbers, the files' own layout)."""
    prefix = text.split("mlx5_0/", 1)[0].splitlines()[-1]
    lines = [
        f"{prefix}{hca}/ports/1/{name}:{lid}"
        for n, hca in enumerate(HCAS)
        for name, lid in (("lid", f"{n + 16:#x}"), ("sm_lid", "0x1"))
    ]
    return "\n".join([text.rstrip("\n"), *lines]) + "\n"


def test_addresses_from_the_subnet_manager(judge, corpus_text) -> None:
    outcome = judge("sm", with_lids(corpus_text(GOOD)), facts=SM_FACTS)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert {(m.name, m.value) for m in outcome.measurements if m.limit} == {
        ("lid", "yes"),
        ("subnet manager", "yes"),
    }


def test_a_port_that_runs_ethernet_has_no_subnet_manager_to_blame(judge, corpus_text) -> None:
    """link.layer names the one cause; that Ethernet has no LID follows from it."""
    lines = with_lids(corpus_text(GOOD)).splitlines()
    text = "\n".join(  # altered: one port as an adapter in the other mode shows it
        line.replace("InfiniBand", "Ethernet") if "mlx5_3/" in line and "/link_layer" in line else line
        for line in lines
    )
    assert text != "\n".join(lines)
    outcome = judge("sm", text, facts=SM_FACTS)
    assert outcome.verdict is Verdict.PASS
    assert {m.at for m in outcome.measurements} == {port(hca) for hca in HCAS if hca != "mlx5_3"}


def test_without_any_active_port_the_addresses_are_unjudged(judge, corpus_text) -> None:
    text = corpus_text(GOOD).replace("4: ACTIVE", "2: INIT")
    assert text != corpus_text(GOOD)
    outcome = judge("sm", text, facts=SM_FACTS)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "LINK-SM")


def test_an_adapter_without_transport_counters_is_unjudged_at_its_own_place(
    load_check, node, make_context, make_outputs, corpus_text
) -> None:
    """So that it is explained where link.present says that the adapter is not there."""
    lines = [
        f"/sys/class/infiniband/{h}/ports/1/hw_counters/out_of_sequence:0" for h in HCAS if h != "mlx5_6"
    ]
    text = "\n".join([*lines, "end:counters"]) + "\n"  # invented numbers, the files' own layout
    outcome = judged(
        load_check("link/transport.py"),
        node,
        make_outputs({rdma_transport.COUNTERS: text}),
        make_context(LIMITS, FACTS),
    )
    assert (outcome.verdict, outcome.error_at) == (Verdict.ERROR, "gpu-001/hca/mlx5_6")
    assert "mlx5_6" in outcome.reason
    assert "mlx5_5" not in outcome.reason
