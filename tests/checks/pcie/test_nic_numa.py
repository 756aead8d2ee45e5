"""pcie.nic-numa and pcie.nic-numa-drift: at which processor the adapters hang."""

from __future__ import annotations

import subprocess

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict

HCAS = ["mlx5_0", "mlx5_1"]


def lines(**places: int) -> str:
    """What the command prints of sysfs of a machine with two NUMA nodes (invented)."""
    rows = "".join(f"hca {hca} {number}\n" for hca, number in places.items())
    return f"node node0\nnode node1\n{rows}end\n"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    ctx = make_context(facts={"fabric.hcas": HCAS})
    check = load_check("pcie/nic_numa.py")

    def command():
        (found,) = (step.command for step in check.plan(node, ctx).steps)
        return found

    def run(text: object):
        return judged(check, node, make_outputs({command(): text}), ctx)

    run.command = command
    return run


def test_each_planned_adapter_tells_its_place(judge, values) -> None:
    outcome = judge(lines(mlx5_0=0, mlx5_1=1, mlx5_9=1))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("NUMA nodes", "gpu-001", 2, True),
        ("NUMA node of rail 0", "gpu-001/hca/mlx5_0", "0", True),
        ("NUMA node of rail 1", "gpu-001/hca/mlx5_1", "1", True),
    ]


def test_a_virtual_machine_tells_that_it_does_not_know(judge) -> None:
    outcome = judge(lines(mlx5_0=-1, mlx5_1=-1))
    assert [m.value for m in outcome.measurements] == [2, "unknown", "unknown"]


def test_the_kernel_of_this_machine_is_understood(judge, tmp_path) -> None:
    """An adapter without the file, as of software RDMA, is known and its place is not."""
    for cpus, node in (("0-3", "node0"), ("", "node1")):
        (tmp_path / "sys/devices/system/node" / node).mkdir(parents=True)
        (tmp_path / "sys/devices/system/node" / node / "cpulist").write_text(cpus + "\n")
    for hca in ("mlx5_0", "rxe0"):
        (tmp_path / "sys/class/infiniband" / hca / "device").mkdir(parents=True)
    (tmp_path / "sys/class/infiniband/mlx5_0/device/numa_node").write_text("0\n")
    told = subprocess.run(
        ["sh", "-c", judge.command().script],
        env={"ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "node node0\nhca mlx5_0 0\nhca rxe0 -1\nend\n"


def test_an_absent_adapter_is_not_judged(judge) -> None:
    outcome = judge(lines(mlx5_0=0))
    assert (outcome.verdict, outcome.code, outcome.reason) == (
        Verdict.ERROR,
        "HCA-MISSING",
        "no such adapter: mlx5_1",
    )


@pytest.mark.parametrize("text", ["", "hca mlx5_0 0\n", "sh: broken\nend\n"])
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


@pytest.fixture
def drift(load_check, make_node, make_context, make_outputs):
    """The outcome over nodes: name -> NUMA node of the adapter of each rail."""

    def run(told: dict[str, tuple[str, ...]], ports: bool = True, nodes: dict[str, int] | None = None):
        fleet = Group("fleet", tuple(make_node(name=name) for name in told))
        readings = {
            ("pcie.nic-numa", f"NUMA node of rail {rail}"): tuple(
                Measurement(f"NUMA node of rail {rail}", own[rail], "", f"{name}/hca/{HCAS[rail]}")
                for name, own in told.items()
                if rail < len(own)
            )
            for rail in range(2)
        }
        counts = {**dict.fromkeys(told, 2), **(nodes or {})}
        readings["pcie.nic-numa", "NUMA nodes"] = tuple(
            Measurement("NUMA nodes", count, "", name) for name, count in counts.items() if told[name]
        )
        ctx = make_context(facts={"fabric.hcas": HCAS if ports else []}, readings=readings)
        check = load_check("pcie/nic_numa_drift.py")
        check.plan(fleet, ctx)
        return judged(check, fleet, make_outputs({}), ctx)

    return run


def test_adapters_in_equal_slots(drift) -> None:
    outcome = drift(dict.fromkeys("abcd", ("0", "1")))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


def test_an_adapter_at_the_other_processor(drift) -> None:
    outcome = drift({**dict.fromkeys("abcd", ("0", "1")), "e": ("0", "0")})
    assert outcome.verdict is Verdict.FAIL
    assert [(f.code, f.at, f.message) for f in outcome.findings] == [
        ("NIC-AFFINITY", "e/hca/mlx5_1", "test: NUMA node of rail 1 0, 1 on 4 of 5 nodes")
    ]


def test_a_node_that_counts_otherwise_is_one_defect_of_its_bios(drift) -> None:
    outcome = drift({**dict.fromkeys("abcd", ("0", "1")), "e": ("1", "3")}, nodes={"e": 4})
    assert outcome.verdict is Verdict.FAIL
    assert [(f.code, f.at, f.message) for f in outcome.findings] == [
        ("NUMA-NODES", "e", "test: NUMA nodes 4, 2 on 4 of 5 nodes")
    ]


def test_kernels_that_do_not_know_are_nothing_to_compare(drift) -> None:
    outcome = drift(dict.fromkeys("abcd", ("unknown", "unknown")))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.NOT_RUN,
        "the kernels of fewer than 3 nodes know where their adapters hang",
    )


def test_nobody_told_anything(drift) -> None:
    assert drift(dict.fromkeys("abcd", ())).verdict is Verdict.ERROR


def test_no_majority_and_no_ports(drift) -> None:
    with pytest.raises(NotApplicable):
        drift(dict.fromkeys("ab", ("0", "1")))
    with pytest.raises(NotApplicable):
        drift(dict.fromkeys("abcd", ("0", "1")), ports=False)
