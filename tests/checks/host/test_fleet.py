"""host.identities, host.identity-duplicates and host.settings-drift: what the fleet shows."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Verdict, Weight
from bringup.parsers.host import IDENTITY
from bringup.parsers.identities import IDENTITIES

# ------------------------------------------------------------------------------------------------ identities

WHO = "hostname=gpu-001\nboot_id=1\nserial=SIM00001\nend=identity\n"
# invented, as IDENTITIES prints it
OWN = """mac eno1 b8:ce:f6:00:00:01
rdma ibp0 mlx5_0
mac ibp0 b8:ce:f6:00:00:02
mac usb0 be:3a:f2:b6:05:9f
bond bond0
guid mlx5_0 b8ce:f603:0000:0001
guid mlx5_1 b8ce:f603:0000:0007
guid mlx5_9 0000:0000:0000:0000
route eno1 0000000A 0000FFFF
route bond0 0000640A 0000FFFF
route docker0 000011AC 0000FFFF
ip 127.0.0.1
ip 10.0.0.1
ip 10.100.0.1
ip 172.17.0.1
end
"""


@pytest.fixture
def identities(load_check, node, make_context, make_outputs):
    def run(own: object = OWN, who: object = WHO):
        ctx = make_context(facts={"fabric.hcas": ["mlx5_0"]})
        out = make_outputs({IDENTITY: who, IDENTITIES: own})
        return judged(load_check("host/identities.py"), node, out, ctx)

    return run


def test_only_hardware_of_its_own_is_told(identities) -> None:
    outcome = identities()
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert [(m.name, m.value, m.at) for m in outcome.measurements] == [
        ("host name", "gpu-001", "gpu-001"),
        ("serial number", "SIM00001", "gpu-001"),
        ("GUID", "b8ce:f603:0000:0007", "gpu-001/hca/mlx5_1"),
        ("MAC address", "b8:ce:f6:00:00:01", "gpu-001/net/eno1"),
        ("IP address", "10.0.0.1", "gpu-001/net/eno1"),
        ("IP address", "10.100.0.1", "gpu-001/net/bond0"),
    ]


@pytest.mark.parametrize(
    "own", ["guid mlx5_0 b8ce:f603:0000:0001\n", "ip 10.0.0\nend\n", "route a b c\nend\n", ""]
)
def test_cut_off_or_unknown(identities, own) -> None:
    assert identities(own).code == "OUTPUT-UNKNOWN"


# ------------------------------------------------------------------------------------------------ duplicates


@pytest.fixture
def fleet(make_node):
    return lambda count: Group(
        "fleet", tuple(make_node(name=f"gpu-{n:03}", serial=f"S{n}") for n in range(1, count + 1))
    )


@pytest.fixture
def duplicates(load_check, fleet, make_context, make_outputs):
    def run(readings: dict[str, dict[str, str]], count: int = 3):
        all_names = {f"gpu-{n:03}": f"gpu-{n:03}" for n in range(1, count + 1)}
        told = {"host name": all_names} | readings
        ctx = make_context(
            readings={
                ("host.identities", name): tuple(Measurement(name, v, "", at) for at, v in places.items())
                for name, places in told.items()
            }
        )
        return judged(load_check("host/identity_duplicates.py"), fleet(count), make_outputs({}), ctx)

    return run


def test_all_different(duplicates, values) -> None:
    outcome = duplicates({"GUID": {"gpu-001/hca/a": "1", "gpu-001/hca/b": "1", "gpu-002/hca/a": "2"}})
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("shared: host name", "fleet", 0, True), ("shared: GUID", "fleet", 0, True)]


def test_a_cloned_guid_is_named_at_both_adapters(duplicates) -> None:
    outcome = duplicates({"GUID": {"gpu-001/hca/a": "1", "gpu-002/hca/a": "1"}})
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding("IDENTITY-DUPLICATE", "GUID 1 is also that of gpu-002/hca/a", "gpu-001/hca/a"),
        Finding("IDENTITY-DUPLICATE", "GUID 1 is also that of gpu-001/hca/a", "gpu-002/hca/a"),
    )


def test_of_two_with_one_name_the_one_that_the_inventory_does_not_call_so_is_wrong(duplicates) -> None:
    names = {"gpu-001": "gpu-001", "gpu-002": "gpu-001", "gpu-003": "gpu-003"}
    serials = {"gpu-001": "S1", "gpu-002": "S2", "gpu-003": "S1"}
    outcome = duplicates({"host name": names, "serial number": serials})
    assert outcome.findings == (
        Finding("IDENTITY-DUPLICATE", "host name gpu-001 is also that of gpu-001", "gpu-002"),
        Finding("IDENTITY-DUPLICATE", "serial number S1 is also that of gpu-001", "gpu-003"),
    )


def test_one_ip_address_twice(duplicates, found) -> None:
    outcome = duplicates({"IP address": {"gpu-001/net/a": "10.0.0.1", "gpu-003/net/a": "10.0.0.1"}})
    assert found(outcome) == [
        ("fail", "IDENTITY-DUPLICATE", "gpu-001/net/a"),
        ("fail", "IDENTITY-DUPLICATE", "gpu-003/net/a"),
    ]


def test_a_node_that_did_not_tell_is_named_and_the_others_are_compared(duplicates) -> None:
    outcome = duplicates({"host name": {"gpu-001": "gpu-001", "gpu-002": "gpu-002"}})
    note = Finding("IDENTITY-DUPLICATE", "not compared: gpu-003", "fleet", Weight.NOTE)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, (note,))


def test_no_node_that_tells_is_no_pass(duplicates) -> None:
    outcome = duplicates({"host name": {}})
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "no node has told who it is")


# ------------------------------------------------------------------------------------------------- settings


@pytest.fixture
def drift(load_check, fleet, make_context, make_outputs):
    def run(check: str, name: str, values: list[str], count: int | None = None):
        told = tuple(Measurement(name, v, "", f"gpu-{n:03}") for n, v in enumerate(values, 1))
        ctx = make_context(readings={(check, name): told})
        group = fleet(count or len(values))
        return judged(load_check("host/settings_drift.py"), group, make_outputs({}), ctx)

    return run


def test_equal_settings(drift, values) -> None:
    outcome = drift("host.governor", "governor", ["performance"] * 4)
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("governor values", "fleet", 1, True)])


@pytest.mark.parametrize("name", ["threads", "sockets"])
def test_a_processor_that_is_missing(drift, name) -> None:
    outcome = drift("host.cpu", name, [128, 128, 128, 64])
    assert (outcome.verdict, outcome.findings) == (
        Verdict.FAIL,
        (Finding("CPU-COUNT", f"{name} 64, 128 on 3 of 4 nodes", "gpu-004"),),
    )


def test_a_command_line_that_differs_is_told_word_by_word(drift) -> None:
    lines = ["iommu=pt quiet"] * 3 + ["intel_iommu=on quiet"]
    outcome = drift("host.kernel-cmdline", "kernel command line", lines)
    assert outcome.findings == (
        Finding(
            "SETTING-MINORITY",
            "kernel command line: has intel_iommu=on, lacks iommu=pt; not so on 3 of 4 nodes",
            "gpu-004",
        ),
    )


@pytest.mark.parametrize(
    ("check", "name", "code"),
    [
        ("host.numa-balancing", "numa balancing", "SYSCTL-DRIFT"),
        ("host.nvme", "nvme drives", "NVME-COUNT"),
        ("host.cpu", "processor model", "CPU-MODEL"),
    ],
)
def test_a_minority_is_named_by_what_it_is(drift, check, name, code) -> None:
    outcome = drift(check, name, ["0", "0", "1", "0"])
    assert outcome.findings == (Finding(code, f"{name} 1, 0 on 3 of 4 nodes", "gpu-003"),)


def test_a_split_is_one_finding_at_the_fleet(drift, found) -> None:
    assert found(drift("host.governor", "governor", ["a", "b", "a", "b"])) == [
        ("fail", "SETTING-MINORITY", "fleet")
    ]


def test_cards_that_few_nodes_have_are_a_note(drift, found) -> None:
    outcome = drift("host.dpu", "DPU mode", ["nic", "dpu"], count=5)
    assert found(outcome) == [("note", "DPU-MODE", "fleet")]
    assert outcome.findings[0].message == "only 2 with profile test: DPU mode was not compared"


def test_keys_of_every_node_for_itself_are_a_note(drift, found) -> None:
    assert found(drift("host.ssh-keys", "login keys", ["a", "b", "c", "d"])) == [
        ("note", "SSH-KEY-FOREIGN", "fleet")
    ]
    outcome = drift("host.ssh-keys", "login keys", ["r:A", "r:A", "r:A r:B", "r:A"])
    assert outcome.findings == (
        Finding("SSH-KEY-FOREIGN", "login keys: has r:B; not so on 3 of 4 nodes", "gpu-003"),
    )


def test_too_few_readings_and_none(drift, load_check, fleet, make_context, make_outputs) -> None:
    assert drift("host.governor", "governor", ["a", "b"], count=4).verdict is Verdict.ERROR
    check = load_check("host/settings_drift.py")
    assert judged(check, fleet(4), make_outputs({}), make_context()).verdict is Verdict.ERROR
    with pytest.raises(NotApplicable):
        check.plan(fleet(2), make_context())
