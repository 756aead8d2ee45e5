"""link.flap: lost links in the window, right after boot, and in a log that does not reach back."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers import kernel_log, port_config, rdma_sysfs

BASE = "/sys/class/infiniband"
FACTS = {"fabric.hcas": ["mlx5_0", "mlx5_1"], "link.flap.window_h": 6, "link.flap.grace_min": 30}
LIMITS = {"link.flap": ("==", 0)}
AT = "gpu-001/hca/mlx5_0/port/1"
CONFIG = "".join(
    f"{BASE}/mlx5_{n}/node_guid:a088:c203:0000:000{n}\n{BASE}/mlx5_{n}/device/net/eth{n}/carrier_changes:4\n"
    for n in range(2)
)
PORTS = "".join(
    f"{BASE}/mlx5_{n}/ports/1/state:4: ACTIVE\n{BASE}/mlx5_{n}/ports/1/counters/link_downed:1\n"
    for n in range(2)
)
UPTIME_S = 100_000


def log(
    *losses: int, first: str = "[    0.000000] Linux version\n", uptime: int = UPTIME_S, name: str = "eth0"
) -> str:
    """A log with a lost link so many seconds ago (invented; the words are the driver's)."""
    lines = [
        f"[{uptime - ago:5d}.000000] mlx5_core 0000:1a:00.0 {name}: Link down\n"
        f"[{uptime - ago + 3:5d}.000000] mlx5_core 0000:1a:00.0 {name}: Link up\n"
        for ago in losses
    ]
    return f"1732100000\n{uptime}.00 1.00\n{first}" + "".join(lines)


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def judge(text, config=CONFIG, ports=PORTS):
        outputs = make_outputs({kernel_log.LOG: text, port_config.CONFIG: config, rdma_sysfs.PORTS: ports})
        return judged(load_check("link/flap.py"), node, outputs, make_context(LIMITS, FACTS))

    return judge


def flaps(outcome) -> list[tuple[str, object, bool]]:
    return [(m.at, m.value, m.ok) for m in outcome.measurements if m.name == "link.flap"]


def test_a_quiet_node_with_its_counters(judge) -> None:
    outcome = judge(log())
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert [(m.name, m.value) for m in outcome.measurements if m.at == AT] == [
        ("link_downed since load", 1),
        ("carrier_changes since boot", 4),
        ("link.flap", 0),
    ]


def test_a_lost_link_an_hour_ago(judge) -> None:
    outcome = judge(log(3600, 1800))
    assert outcome.verdict is Verdict.FAIL
    assert flaps(outcome) == [(AT, 2, False), (AT.replace("mlx5_0", "mlx5_1"), 0, True)]


def test_an_old_loss_and_one_right_after_boot_are_notes(judge, found) -> None:
    old = judge(log(30_000))
    assert (old.verdict, found(old)) == (Verdict.PASS, [("note", "LINK-FLAP", AT)])
    booting = judge(log(2_000, uptime=3_000))
    assert (booting.verdict, found(booting)) == (Verdict.PASS, [("note", "LINK-FLAP", AT)])


def test_interfaces_outside_the_plan_may_flap(judge) -> None:
    assert judge(log(100, name="eno8303")).verdict is Verdict.PASS


def test_a_log_that_does_not_reach_back_is_no_pass(judge) -> None:
    outcome = judge(log(600, first="", name="eno8303"))
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason.endswith("does not reach back the 6.0 h that are judged")
    assert judge(log(600, first="")).verdict is Verdict.FAIL


def test_a_missing_adapter(judge) -> None:
    config = "".join(line + "\n" for line in CONFIG.splitlines() if "mlx5_0" not in line)
    outcome = judge(log(), config=config)
    assert (outcome.verdict, outcome.code, outcome.error_at) == (
        Verdict.ERROR,
        "HCA-MISSING",
        "gpu-001/hca/mlx5_0",
    )


def test_a_log_that_only_root_may_read(judge, answer) -> None:
    said = answer("", status=1, stderr="dmesg: read kernel buffer failed: Operation not permitted")
    outcome = judge(said)
    assert outcome.verdict is Verdict.ERROR
    assert "Operation not permitted" in outcome.reason


def test_a_missing_dmesg(judge, answer) -> None:
    assert judge(answer(ended=Ended.MISSING, detail="dmesg")).code == "TOOL-MISSING"


def test_a_node_without_planned_ports(load_check, node, make_context) -> None:
    with pytest.raises(NotApplicable):
        load_check("link/flap.py").plan(node, make_context(LIMITS, {**FACTS, "fabric.hcas": []}))
