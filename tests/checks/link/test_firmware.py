"""link.firmware collects by board; link.firmware-drift compares the adapters of each board."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Verdict, Weight
from bringup.parsers.rdma_sysfs import PORTS

FACTS = {"fabric.hcas": ["mlx5_0", "mlx5_1"]}


@pytest.fixture
def firmware(load_check):
    return load_check("link/firmware.py")


@pytest.fixture
def drift(load_check):
    return load_check("link/firmware_drift.py")


@pytest.fixture
def fleet(make_node):
    def make(count: int) -> Group:
        return Group("fleet", tuple(make_node(name=f"gpu-{n:03}") for n in range(1, count + 1)))

    return make


def test_readings(firmware, node, make_context, make_outputs, corpus_text) -> None:
    both = "".join(
        corpus_text(f"sysfs-infiniband/0{n}-h100-mlx5_{m}-all-counters.txt") for n, m in ((1, 0), (3, 4))
    )
    outcome = judged(firmware, node, make_outputs({PORTS: both}), make_context(facts=FACTS))
    assert outcome.verdict is Verdict.PASS
    assert [(m.name, m.value, m.at) for m in outcome.measurements] == [
        ("board", "MT_0000000838", "gpu-001/hca/mlx5_0"),
        ("fw MT_0000000838", "28.41.1000", "gpu-001/hca/mlx5_0"),
    ]


def test_nothing_read(firmware, node, make_context, make_outputs, corpus_text) -> None:
    text = corpus_text("sysfs-infiniband/04-8x-hdr-good.txt")
    outcome = judged(firmware, node, make_outputs({PORTS: text}), make_context(facts=FACTS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "NOTHING-JUDGED")


@pytest.mark.parametrize("approved", [["MT_0000000838 28.41.1000"], None])
def test_an_adapter_that_tells_no_board_is_no_pass_where_it_must_be_approved(
    firmware, node, make_context, make_outputs, corpus_text, approved
) -> None:
    told = corpus_text("sysfs-infiniband/01-h100-mlx5_0-all-counters.txt")
    mute = "".join(line for line in told.splitlines(True) if "board_id" not in line).replace(
        "mlx5_0", "mlx5_1"
    )
    facts = {
        **FACTS,
        **({"link.firmware.approved": approved} if approved else {}),
    }  # invented: an old kernel's file is missing
    outcome = judged(firmware, node, make_outputs({PORTS: told + mute}), make_context(facts=facts))
    if approved:
        assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "firmware or board is not told by mlx5_1")
    else:
        assert outcome.verdict is Verdict.PASS


def readings(**boards: list[str]) -> dict[tuple[str, str], tuple[Measurement, ...]]:
    """Two adapters for each node."""
    return {
        ("link.firmware", f"fw {board}"): tuple(
            Measurement(f"fw {board}", version, "", f"gpu-{n // 2 + 1:03}/hca/mlx5_{n % 2}")
            for n, version in enumerate(versions)
        )
        for board, versions in boards.items()
    }


def test_equal_boards_equal_firmware(drift, fleet, make_context, make_outputs, values) -> None:
    ctx = make_context(facts=FACTS, readings=readings(MT_838=["28.41.1000"] * 6))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("MT_838 firmware versions", "fleet", 1, True)]


def test_an_odd_adapter_is_named(drift, fleet, make_context, make_outputs) -> None:
    ctx = make_context(facts=FACTS, readings=readings(MT_838=[*["28.41.1000"] * 5, "28.39.2048"]))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding(
            "HCA-FIRMWARE", "MT_838 firmware 28.39.2048, 28.41.1000 on 5 of 6 adapters", "gpu-003/hca/mlx5_1"
        ),
    )


def test_a_split(drift, fleet, make_context, make_outputs) -> None:
    ctx = make_context(facts=FACTS, readings=readings(MT_838=["28.41.1000", "28.39.2048"] * 3))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert outcome.findings == (
        Finding(
            "HCA-FIRMWARE",
            "MT_838 firmware: 28.39.2048 on 3, 28.41.1000 on 3 adapters; no clear majority",
            "fleet",
        ),
    )


def test_other_boards_have_other_firmware(drift, fleet, make_context, make_outputs, values) -> None:
    ctx = make_context(facts=FACTS, readings=readings(MT_838=["28.41.1000"] * 6, MT_965=["32.47.1088"] * 2))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("MT_838 firmware versions", "fleet", 1, True)]
    assert outcome.findings == (
        Finding(
            "HCA-FIRMWARE",
            "only 2 adapters of board MT_965: their firmware was not compared",
            "fleet",
            Weight.NOTE,
        ),
    )


@pytest.mark.parametrize("boards", [{}, {"MT_838": ["28.41.1000"] * 2}])
def test_too_few_readings(drift, fleet, make_context, make_outputs, boards) -> None:
    ctx = make_context(facts=FACTS, readings=readings(**boards))
    outcome = judged(drift, fleet(3), make_outputs({}), ctx)
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "no board has 3 readings (link.firmware), so there is no majority",
    )


def test_nothing_to_compare(drift, fleet, make_context) -> None:
    with pytest.raises(NotApplicable):
        drift.plan(fleet(2), make_context(facts=FACTS))
    with pytest.raises(NotApplicable):
        drift.plan(fleet(3), make_context(facts={"fabric.hcas": []}))
    assert drift.plan(fleet(3), make_context(facts=FACTS)).steps == ()


@pytest.mark.parametrize(
    ("approved", "ok"),
    [
        (["28.41.1000"], True),
        (["MT_0000000838 28.41.1000"], True),
        (["28.39.2048", "MT_0000000838 28.41.2000"], False),
        (["MT_0000000965 28.41.1000"], False),
    ],
)
def test_firmware_that_the_profile_approves(
    firmware, node, make_context, make_outputs, corpus_text, approved, ok
) -> None:
    text = corpus_text("sysfs-infiniband/01-h100-mlx5_0-all-counters.txt")
    ctx = make_context(facts={**FACTS, "link.firmware.approved": approved})
    outcome = judged(firmware, node, make_outputs({PORTS: text}), ctx)
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    last = outcome.measurements[-1]
    assert (last.name, last.value, last.at, last.ok, last.code) == (
        "firmware", "28.41.1000", "gpu-001/hca/mlx5_0", ok, "HCA-FIRMWARE",
    )  # fmt: skip
