"""nvlink.clique, nvlink.mnnvl, nvlink.imex and nvlink.topology: who is joined to whom."""

from __future__ import annotations

import re

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict
from bringup.parsers.nvidia_imex import NODES
from bringup.parsers.nvidia_smi_topo import TOPOLOGY
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.systemd import unit as systemd_unit

IMEX = systemd_unit("nvidia-imex")
GB200 = "nvidia-smi-xml/03-gb200-x4-580.xml"
H100_TOPO = "nvidia-smi-topo/10-h100x8-nv18.txt"
IMEX_1 = "nvidia-imex/01-ctl-N-1node-up.txt"
IMEX_18 = "nvidia-imex/03-ctl-N-18node-up-version-column.txt"
RACK = {"gpu.count": 4, "nvlink.fabric_manager": False, "nvlink.domain_nodes": 2}
A, B = "11111111-2222-3333-4444-555555555555/1", "99999999-2222-3333-4444-555555555555/1"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def judge(name, command, text, facts=None, limits=None, service=None):
        context = hgx(facts={**RACK, **(facts or {})}, limits=limits)
        outputs = make_outputs({IMEX: unit() if service is None else service, command: text})
        return judged(load_check(f"nvlink/{name}.py"), node, outputs, context)

    return judge


@pytest.mark.parametrize("name", ["clique", "imex"])
@pytest.mark.parametrize(
    "facts", [{"nvlink.domain_nodes": None}, {"nvlink.domain_nodes": 1}, {"gpu.vendor": "amd"}]
)
def test_a_node_with_a_domain_of_its_own(load_check, node, hgx, name, facts) -> None:
    with pytest.raises(NotApplicable):
        load_check(f"nvlink/{name}.py").plan(node, hgx(facts={**RACK, **facts}))


@pytest.mark.parametrize(("name", "command"), [("clique", QUERY), ("imex", NODES), ("topology", TOPOLOGY)])
@pytest.mark.parametrize(
    "text", ["\nSegmentation fault\n", "Node #0\n", "<?xml version='1.0'?><nvidia_smi_log><gpu"]
)
def test_unreadable(judge, name, command, text) -> None:
    outcome = judge(name, command, text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize(("name", "command"), [("clique", QUERY), ("imex", NODES), ("topology", TOPOLOGY)])
def test_missing_tool(judge, answer, name, command) -> None:
    outcome = judge(name, command, answer(ended=Ended.MISSING, detail="tool"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


# -------------------------------------------------------------------------------------------------- clique


def domains(text: str, cluster: str, times: int = 99) -> str:
    """The document with another cluster UUID at the first GPUs (invented)."""
    start, end = "<clusterUuid>", "</clusterUuid>"
    old = text.partition(start)[2].partition(end)[0]
    return text.replace(f"{start}{old}{end}", f"{start}{cluster}{end}", times)


def test_gpus_in_a_domain(judge, corpus_text) -> None:
    outcome = judge("clique", QUERY, domains(corpus_text(GB200), A.partition("/")[0]))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert {m.name for m in outcome.measurements} == {"nvlink.domain"}
    assert len(outcome.measurements) == 4


def test_a_zero_uuid_is_no_domain(judge, corpus_text) -> None:
    good = domains(corpus_text(GB200), A.partition("/")[0])
    outcome = judge("clique", QUERY, domains(good, "00000000-0000-0000-0000-000000000000", 1))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value) for m in outcome.measurements if not m.ok] == [("gpu-001/gpu/0", "none")]


def test_a_gpu_that_has_not_joined_the_fabric_is_in_no_domain(judge, corpus_text) -> None:
    # invented: the first GPU is still on its way, and tells no domain
    good = domains(corpus_text(GB200), A.partition("/")[0])
    outcome = judge("clique", QUERY, domains(good, "N/A", 1).replace("Completed", "In Progress", 1))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value) for m in outcome.measurements if not m.ok] == [("gpu-001/gpu/0", "none")]


def test_a_gpu_that_does_not_tell(judge, corpus_text) -> None:
    good = domains(corpus_text(GB200), A.partition("/")[0])
    outcome = judge("clique", QUERY, domains(good, "N/A", 1))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "NVLink domain not reported by GPU 0")


# --------------------------------------------------------------------------------------------------- mnnvl


@pytest.fixture
def rack(load_check, make_node, hgx, make_outputs):
    """The outcome of nvlink.mnnvl over trays: name -> (rack, domain of each of its GPUs)."""

    def rack(trays, planned=2, **facts):
        nodes = tuple(make_node(name=name, rack=where) for name, (where, _) in trays.items())
        readings = tuple(
            Measurement("nvlink.domain", domain, "", f"{name}/gpu/{n}")
            for name, (_, mine) in trays.items()
            for n, domain in enumerate(mine)
        )
        context = hgx(facts={**RACK, "nvlink.domain_nodes": planned, **facts})
        context = type(context)(
            rules=context.rules, started=1.0, readings={("nvlink.clique", "nvlink.domain"): readings}
        )
        check = load_check("nvlink/mnnvl.py")
        fleet = Group("fleet", nodes)
        check.plan(fleet, context)
        return judged(check, fleet, make_outputs({}), context)

    return rack


def test_every_rack_has_its_domain(rack) -> None:
    outcome = rack({"a": ("R1", [A, A]), "b": ("R1", [A, A]), "c": ("R2", [B, B]), "d": ("R2", [B, B])})
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


def test_a_tray_in_the_domain_of_another_rack(rack, found) -> None:
    outcome = rack({n: ("R1", [A, A]) for n in "abc"} | {"d": ("R1", [B, B])}, planned=4)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "NVLINK-RACK", "d")]


def test_a_tray_in_another_partition_of_its_rack(rack, found) -> None:
    other = A.replace("/1", "/2")
    outcome = rack({n: ("R1", [A, A]) for n in "abc"} | {"d": ("R1", [other, other])}, planned=4)
    assert found(outcome) == [("fail", "NVLINK-CLIQUE", "d")]


def test_a_tray_whose_gpus_differ(rack, found) -> None:
    outcome = rack({n: ("R1", [A, A]) for n in "abc"} | {"d": ("R1", [A, B])}, planned=4)
    assert found(outcome) == [("fail", "NVLINK-CLIQUE", "d")]


def test_two_trays_that_differ_cannot_be_told_apart(rack, found) -> None:
    outcome = rack({"a": ("R1", [A]), "b": ("R1", [B])})
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "NVLINK-CLIQUE", "fleet")]


def test_trays_outside_the_run_are_noted(rack, found) -> None:
    outcome = rack({"a": ("R1", [A]), "b": ("R1", [A])}, planned=18)
    assert outcome.verdict is Verdict.PASS
    assert found(outcome) == [("note", "NVLINK-CLIQUE", "fleet")]
    assert outcome.findings[0].message == "rack R1: 2 of 18 trays of a domain are part of this run"


def test_a_tray_without_a_domain_is_said_at_that_tray(rack, found) -> None:
    outcome = rack({"a": ("R1", [A]), "b": ("R1", ["none"])})
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [("note", "NVLINK-CLIQUE", "fleet")])
    assert outcome.findings[0].message == "no NVLink domain is known of b"


def test_no_tray_with_a_domain_is_no_pass(rack) -> None:
    outcome = rack({"a": ("R1", ["none"]), "b": ("R1", ["none"])})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "NVLINK-DOMAIN")
    assert outcome.reason == "no NVLink domain is known of a, b"


def test_without_racks_nobody_knows(rack) -> None:
    assert rack({"a": ("", [A]), "b": ("", [A])}).verdict is Verdict.ERROR


def test_a_fleet_without_such_domains(rack) -> None:
    with pytest.raises(NotApplicable):
        rack({"a": ("R1", [A])}, planned=1)


# ---------------------------------------------------------------------------------------------------- imex


def unit(active: str = "active", load: str = "loaded") -> str:
    """`systemctl show nvidia-imex` (invented)."""
    return f"Id=nvidia-imex.service\nLoadState={load}\nActiveState={active}\nSubState=x\nResult=success\n"


@pytest.mark.parametrize(("file", "nodes"), [(IMEX_1, 1), (IMEX_18, 18)])
def test_a_complete_domain(judge, corpus_text, file, nodes, values) -> None:
    outcome = judge("imex", NODES, corpus_text(file))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [
        ("nvlink.imex.service", "gpu-001", "active", True),
        ("nvlink.imex.state", "gpu-001", "UP", True),
        ("nvlink.imex.nodes", "gpu-001", nodes, True),
        ("nvlink.imex.trouble", "gpu-001", "none", True),
    ]


@pytest.mark.parametrize("state", [unit("failed"), unit("inactive", "not-found")])
def test_a_service_that_is_down(judge, corpus_text, state, found) -> None:
    outcome = judge("imex", NODES, "", service=state)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("note", "IMEX-DOWN", "gpu-001")]


def test_a_tray_that_is_not_ready_is_a_reading(judge, corpus_text) -> None:
    text = corpus_text(IMEX_18)
    line = next(line for line in text.splitlines() if line.strip().startswith("Node #5"))
    text = text.replace(line, line.replace("READY", "UNAVAILABLE")).replace(
        "State: UP", "State: DEGRADED"
    )  # invented
    outcome = judge("imex", NODES, text)
    assert outcome.verdict is Verdict.PASS
    told = {m.name: m.value for m in outcome.measurements}
    assert told["nvlink.imex.state"] == "DEGRADED"
    assert str(told["nvlink.imex.trouble"]).endswith(" UNAVAILABLE")


def test_a_tool_that_needs_root(judge, answer) -> None:
    outcome = judge(
        "imex", NODES, answer("", status=1, stderr="Unable to connect to IMEX daemon")
    )  # invented
    assert outcome.verdict is Verdict.ERROR
    assert (
        outcome.reason == "nvidia-imex-ctl without root ended with status 1: Unable to connect to IMEX daemon"
    )


@pytest.fixture
def trays(load_check, make_node, hgx, make_outputs):
    """The outcome of nvlink.imex-domain over trays: name -> (service, state, trouble), and how many nodes it knows of if
    that was told; None: told nothing."""

    def trays(told, addresses=None, **facts):
        readings = {
            ("host.identities", "IP address"): tuple(
                Measurement("IP address", ip, "", f"{node}/net/eno1")
                for node, ip in (addresses or {}).items()
            )
        } | {
            ("nvlink.imex", f"nvlink.imex.{name}"): tuple(
                Measurement(f"nvlink.imex.{name}", own[i], "", node)
                for node, own in told.items()
                if i < len(own) and own[i] is not None
            )
            for i, name in enumerate(("service", "state", "trouble", "nodes"))
        }
        fleet = Group("fleet", tuple(make_node(name=name, rack="R1") for name in told))
        context = hgx(facts={**RACK, **facts})
        context = type(context)(rules=context.rules, started=1.0, readings=readings)
        check = load_check("nvlink/imex_domain.py")
        check.plan(fleet, context)
        return judged(check, fleet, make_outputs({}), context)

    return trays


GOOD = ("active", "UP", "none")


def test_a_domain_that_everybody_sees_up(trays) -> None:
    outcome = trays({"a": GOOD, "b": GOOD})
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


def test_a_tray_that_knows_only_of_itself_is_no_whole_domain(trays) -> None:
    # as a journal gives them back
    outcome = trays({n: (*GOOD, 1.0 if n == "b" else 3.0) for n in "abc"}, **{"nvlink.domain_nodes": 18})
    assert outcome.verdict is Verdict.FAIL
    said = "IMEX on b knows of 1 of the 3 nodes that are in its domain by plan"
    assert told(outcome) == [("fail", "b", said)]


def test_a_domain_that_is_larger_than_the_run_or_smaller_by_plan_is_whole(trays) -> None:
    assert trays(dict.fromkeys("abc", (*GOOD, 18))).verdict is Verdict.PASS
    assert trays(dict.fromkeys("abcd", (*GOOD, 2)), **{"nvlink.domain_nodes": 2}).verdict is Verdict.PASS


IPS = {name: f"10.0.0.{n}" for n, name in enumerate("abcdef", 1)}


def bad(*words: str) -> tuple[str, str, str]:
    return ("active", "DEGRADED", ", ".join(words))


def told(outcome) -> list[tuple[str, str, str]]:
    return [(f.weight.value, f.at, f.message) for f in outcome.findings]


def test_a_tray_of_another_version_is_the_one_to_blame(trays, found) -> None:
    outcome = trays(dict.fromkeys("abcd", bad("10.0.0.3 READY !V!")), IPS)
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "c", "DEGRADED as seen by a, b, d: 10.0.0.3 READY !V!")]
    assert found(outcome) == [("fail", "IMEX-VERSION", "c")]


def test_of_two_trays_that_are_only_bad_with_each_other_both_are_named(trays) -> None:
    both = bad("10.0.0.2 READY D with 10.0.0.4", "10.0.0.4 READY D with 10.0.0.2")
    outcome = trays(dict.fromkeys("abcd", both), IPS)
    assert [(f.at, f.message.rpartition(": ")[2]) for f in outcome.findings] == [
        ("b", "10.0.0.2 READY D with 10.0.0.4"),
        ("d", "10.0.0.4 READY D with 10.0.0.2"),
    ]


def test_a_tray_that_left_for_another_reason_is_not_taken_for_one_of_another_version(trays) -> None:
    outcome = trays({**dict.fromkeys("abd", bad("10.0.0.4 READY !V!")), "c": (None, None, None)})
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "fleet", "DEGRADED as seen by a, b, d: 10.0.0.4 READY !V!")]


def test_one_tray_behind_a_firewall_is_blamed_not_the_others(trays) -> None:
    others = bad("10.0.0.4 UNAVAILABLE")
    lonely = bad("10.0.0.1 UNAVAILABLE", "10.0.0.2 UNAVAILABLE", "10.0.0.3 UNAVAILABLE")
    outcome = trays({"a": others, "b": others, "c": others, "d": lonely}, IPS)
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "d", "DEGRADED as seen by a, b, c: 10.0.0.4 UNAVAILABLE")]


def test_two_trays_that_accuse_each_other_are_both_named(trays) -> None:
    outcome = trays({"a": bad("10.0.0.2 UNAVAILABLE"), "b": bad("10.0.0.1 UNAVAILABLE")}, IPS)
    assert told(outcome) == [
        ("fail", "a", "DEGRADED as seen by b: 10.0.0.1 UNAVAILABLE"),
        ("fail", "b", "DEGRADED as seen by a: 10.0.0.2 UNAVAILABLE"),
    ]


def test_of_one_tray_that_accuses_another_neither_is_beyond_doubt(trays) -> None:
    outcome = trays({"c": bad("10.0.0.1 UNAVAILABLE"), "a": GOOD, "b": GOOD}, IPS)
    assert {f.at for f in outcome.findings} == {"a", "c"}


def test_one_stale_address_of_nobody_names_nobody_else(trays) -> None:
    outcome = trays({"a": bad("10.0.0.9 UNAVAILABLE"), "b": GOOD}, IPS)
    assert told(outcome) == [("fail", "fleet", "DEGRADED as seen by a: 10.0.0.9 UNAVAILABLE")]


def test_an_address_that_several_tell_belongs_to_none_of_them(trays) -> None:
    """As that of a container's bridge does."""
    outcome = trays(dict.fromkeys("ab", bad("172.17.0.1 UNAVAILABLE")), dict.fromkeys("ab", "172.17.0.1"))
    assert told(outcome) == [("fail", "fleet", "DEGRADED as seen by a, b: 172.17.0.1 UNAVAILABLE")]


def test_an_address_of_nobody_is_told_at_the_fleet(trays) -> None:
    outcome = trays(dict.fromkeys("ab", bad("10.0.0.9 UNAVAILABLE")), IPS)
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "fleet", "DEGRADED as seen by a, b: 10.0.0.9 UNAVAILABLE")]


def test_a_state_without_a_reason_is_no_pass(trays) -> None:
    outcome = trays({"a": GOOD, "b": ("active", "DOWN", "none")}, IPS)
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "b", "the domain is DOWN, and nobody says why")]


@pytest.mark.parametrize("addresses", [IPS, {}])
def test_a_tray_that_is_down_explains_what_the_others_see(trays, addresses) -> None:
    others = bad("10.0.0.3 UNAVAILABLE")
    outcome = trays({"a": others, "b": others, "c": ("failed", None, None)}, addresses)
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "c", "as seen by a, b: 10.0.0.3 UNAVAILABLE")]


def test_a_tray_that_nobody_reached_is_no_fault_of_imex_and_no_pass(trays) -> None:
    others = bad("10.0.0.3 UNAVAILABLE")
    outcome = trays({"a": others, "b": others, "c": (None, None, None)}, {"a": "10.0.0.1", "b": "10.0.0.2"})
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "IMEX-DOMAIN", "c")
    assert (outcome.reason, outcome.findings) == ("no IMEX state is known of c", ())


def test_a_tray_that_nobody_reached_does_not_hide_another_fault(trays) -> None:
    others = bad("10.0.0.3 UNAVAILABLE", "10.0.0.2 READY !M!")
    outcome = trays(
        {"a": others, "b": others, "c": (None, None, None), "d": others}, {n: IPS[n] for n in "abd"}
    )
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "b", "DEGRADED as seen by a, d: 10.0.0.2 READY !M!")]


def test_a_tray_that_tells_nothing_is_no_pass(trays) -> None:
    outcome = trays({"a": GOOD, "b": ("active", None, None)})
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "no IMEX state is known of b")
    assert trays({"a": (None, None, None)}).verdict is Verdict.ERROR


def test_a_domain_of_which_nobody_tells_is_no_pass(trays) -> None:
    outcome = trays({"a": (None, None, None), "b": ("failed", None, None)})
    assert outcome.verdict is Verdict.FAIL
    assert told(outcome) == [("fail", "b", "nobody of the domain tells its state")]
    assert outcome.measurements[0].limit is None


def test_no_domain_of_several_nodes(trays) -> None:
    with pytest.raises(NotApplicable):
        trays({"a": GOOD}, **{"nvlink.domain_nodes": 1})


# ------------------------------------------------------------------------------------------------ topology


def test_all_pairs_by_all_links(judge, corpus_text) -> None:
    facts = {"gpu.count": 8, "nvlink.fabric_manager": True}
    outcome = judge("topology", TOPOLOGY, corpus_text(H100_TOPO), facts)
    assert (outcome.verdict, outcome.findings, len(outcome.measurements)) == (Verdict.PASS, (), 8)


def test_one_gpu_with_fewer_links_is_the_only_one_to_blame(judge, corpus_text) -> None:
    lines = corpus_text(H100_TOPO).splitlines()
    for n, line in enumerate(lines):
        if line.startswith("GPU") and "NV18" in line:
            words = re.split(r"(\s+)", line)  # names and gaps in turn, so column k is at 2 * (k + 1)
            at = range(len(words)) if words[0] == "GPU3" else [8]
            lines[n] = "".join("NV17" if i in at and w == "NV18" else w for i, w in enumerate(words))
    outcome = judge("topology", TOPOLOGY, "\n".join(lines), {"gpu.count": 8, "nvlink.fabric_manager": True})
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value) for m in outcome.measurements if not m.ok] == [("gpu-001/gpu/3", 17)]


def test_of_two_cards_nobody_knows_which_one_it_is(judge, corpus_text) -> None:
    # invented: two cards with a bridge, of which one link is down
    text = "\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n"
    text += "GPU0\t X \tNV11\t0-31\t0\t\tN/A\nGPU1\tNV11\t X \t0-31\t0\t\tN/A\n"
    facts = {"gpu.count": 2, "nvlink.domain_nodes": None}
    outcome = judge("topology", TOPOLOGY, text, facts, {"nvlink.pair_links": ("==", 12)})
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value) for m in outcome.measurements if not m.ok] == [("gpu-001", 11)]


def test_a_switch_of_another_node_counts_as_well(judge, corpus_text) -> None:
    assert judge("topology", TOPOLOGY, corpus_text(H100_TOPO), {"gpu.count": 8}).verdict is Verdict.PASS


def test_gpus_missing_in_the_table(judge, corpus_text) -> None:
    outcome = judge("topology", TOPOLOGY, corpus_text(H100_TOPO), {"gpu.count": 16})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")


def test_links_that_join_gpus_directly_need_a_number(load_check, node, hgx) -> None:
    facts = {**RACK, "nvlink.domain_nodes": None}
    with pytest.raises(NotApplicable):
        load_check("nvlink/topology.py").plan(node, hgx(facts=facts))
    load_check("nvlink/topology.py").plan(node, hgx(facts=facts, limits={"nvlink.pair_links": ("==", 4)}))
