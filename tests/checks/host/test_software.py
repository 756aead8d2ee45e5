"""host.software collects readings; host.drift compares them over the fleet."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Verdict, Weight
from bringup.parsers.host import VERSIONS


@pytest.fixture
def software(load_check):
    return load_check("host/software.py")


@pytest.fixture
def drift(load_check):
    return load_check("host/drift.py")


@pytest.fixture
def fleet(make_node):
    """A group of n nodes of one profile."""

    def make(count: int, profile: str = "test") -> Group:
        return Group(
            "fleet", tuple(make_node(name=f"gpu-{n:03}", profile=profile) for n in range(1, count + 1))
        )

    return make


def readings(**versions: list[str | None]) -> dict[tuple[str, str], tuple[Measurement, ...]]:
    return {
        ("host.software", name): tuple(
            Measurement(name, value, "", f"gpu-{n:03}")
            for n, value in enumerate(values, 1)
            if value is not None
        )
        for name, values in versions.items()
    }


# ---------------------------------------------------------------------------------------------- collecting


def test_a_gpu_node_without_the_library_says_so(software, node, make_context, make_outputs) -> None:
    told = {}
    for driver in ("nvidia", "amdgpu"):
        text = f"kernel=6.8\n{driver}=1.2\nofed=none\nend=versions\n"
        outcome = judged(software, node, make_outputs({VERSIONS: text}), make_context())
        told[driver] = {m.name: m.value for m in outcome.measurements}
    assert (told["nvidia"]["nccl"], told["amdgpu"]["rccl"], told["amdgpu"]["driver"]) == (
        "none",
        "none",
        "1.2",
    )
    assert "rccl" not in told["nvidia"] and "nccl" not in told["amdgpu"]


def test_readings(software, node, make_context, make_outputs, values) -> None:
    text = (
        'kernel=5.15.0-122-generic\nnvidia=570.86.15\nos="Ubuntu 22.04.5 LTS"\nmlx5=24.10-1.1.4\nofed=none\n'
    )
    text += "bios=2.1.5\nmicrocode=0x2b000603\nnccl=2.21.5\nend=versions\n"
    outcome = judged(software, node, make_outputs({VERSIONS: text}), make_context())
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert [(m.name, m.value, m.at, m.limit) for m in outcome.measurements] == [
        ("kernel", "5.15.0-122-generic", "gpu-001", None),
        ("os", "Ubuntu 22.04.5 LTS", "gpu-001", None),
        ("driver", "570.86.15", "gpu-001", None),
        ("mlx5", "24.10-1.1.4", "gpu-001", None),
        ("ofed", "none", "gpu-001", None),
        ("bios", "2.1.5", "gpu-001", None),
        ("microcode", "0x2b000603", "gpu-001", None),
        ("nccl", "2.21.5", "gpu-001", None),
    ]


def test_a_cut_answer_is_no_reading(software, node, make_context, make_outputs) -> None:
    outcome = judged(software, node, make_outputs({VERSIONS: "kernel=5.15\n"}), make_context())
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "OUTPUT-UNKNOWN", ())


# ----------------------------------------------------------------------------------------------- comparing


def test_equal_everywhere(drift, fleet, make_context, make_outputs, values) -> None:
    ctx = make_context(readings=readings(kernel=["5.15"] * 4, driver=["570.86"] * 4))
    outcome = judged(drift, fleet(4), make_outputs({}), ctx)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("driver versions", "fleet", 1, True), ("kernel versions", "fleet", 1, True)]


def test_a_minority_is_named_node_by_node(drift, fleet, make_context, make_outputs) -> None:
    ctx = make_context(
        readings=readings(
            kernel=["5.15", "5.15", "5.15", "6.8"], driver=["580.95", "570.86", "580.95", "580.95"]
        )
    )
    outcome = judged(drift, fleet(4), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding("VERSION-MINORITY", "driver 570.86, 580.95 on 3 of 4 nodes", "gpu-002"),
        Finding("VERSION-MINORITY", "kernel 6.8, 5.15 on 3 of 4 nodes", "gpu-004"),
    )
    assert all(m.limit is None for m in outcome.measurements)


def test_exactly_a_third_is_still_a_minority(drift, fleet, make_context, make_outputs) -> None:
    ctx = make_context(readings=readings(kernel=["5.15", "5.15", "6.8"]))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert outcome.findings == (Finding("VERSION-MINORITY", "kernel 6.8, 5.15 on 2 of 3 nodes", "gpu-003"),)


@pytest.mark.parametrize(
    ("kernels", "spread"),
    [
        (["5.15", "6.8", "5.15", "6.8"], "5.15 on 2, 6.8 on 2"),
        (["5.15", "5.15", "5.15", "6.8", "6.9"], "5.15 on 3, 6.8 on 1, 6.9 on 1"),
        (["5.15", "6.8", "6.9"], "5.15 on 1, 6.8 on 1, 6.9 on 1"),
    ],
)
def test_a_split_is_one_finding_at_the_fleet(
    drift, fleet, make_context, make_outputs, kernels, spread
) -> None:
    ctx = make_context(readings=readings(kernel=kernels))
    outcome = judged(drift, fleet(len(kernels)), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding("VERSION-MINORITY", f"kernel: {spread} nodes; no clear majority", "fleet"),
    )


def test_nodes_without_a_reading_are_not_counted(drift, fleet, make_context, make_outputs, values) -> None:
    ctx = make_context(readings=readings(kernel=["5.15", None, "5.15", None, "5.15"]))
    outcome = judged(drift, fleet(5), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("kernel versions", "fleet", 1, True)]


def test_readings_of_nodes_outside_the_group_are_not_counted(
    drift, fleet, make_context, make_outputs
) -> None:
    ctx = make_context(readings=readings(kernel=["5.15", "5.15", "5.15", "6.8"]))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.PASS


def test_too_few_readings(drift, fleet, make_context, make_outputs) -> None:
    ctx = make_context(readings=readings(kernel=["5.15", "5.15", None, None]))
    outcome = judged(drift, fleet(4), make_outputs({}), ctx)
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "too few readings for a majority: kernel of 2 of 4 nodes with profile test",
    )


def test_a_proven_minority_stays_when_something_else_has_too_few_readings(
    drift, fleet, make_context, make_outputs
) -> None:
    ctx = make_context(
        readings=readings(kernel=["5.15", "5.15", "5.15", "6.8"], ofed=["24.10", None, None, None])
    )
    outcome = judged(drift, fleet(4), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.FAIL
    assert [f.at for f in outcome.findings] == ["gpu-004"]
    assert "ofed of 1 of 4" in outcome.reason


def test_no_readings_at_all(drift, fleet, make_context, make_outputs) -> None:
    outcome = judged(drift, fleet(4), make_outputs({}), make_context())
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "no node told its versions (host.software has no reading)",
    )


def test_profiles_are_compared_apart(drift, make_node, make_context, make_outputs) -> None:
    names = [f"gpu-{n:03}" for n in range(1, 6)]
    members = tuple(make_node(name=n, profile="storage" if n > "gpu-003" else "test") for n in names)
    ctx = make_context(readings=readings(kernel=["5.15", "5.15", "5.15", "6.8", "6.8"]))
    outcome = judged(drift, Group("fleet", members), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.PASS
    assert outcome.findings == (
        Finding(
            "VERSION-MINORITY", "only 2 with profile storage: kernel was not compared", "fleet", Weight.NOTE
        ),
    )


def test_two_nodes_have_no_majority(drift, fleet, make_context) -> None:
    with pytest.raises(NotApplicable):
        drift.plan(fleet(2), make_context())
    assert drift.plan(fleet(3), make_context()).steps == ()
