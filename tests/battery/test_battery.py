"""Finding checks: the stock battery, a site's folder, and every mistake named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup import battery
from bringup.model import STAGES, Level

GOOD = '''
"""A site's own check."""
from collections.abc import Iterator
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.commands import Command
from bringup.defects import Fault
from bringup.model import Finding, Limit, Measurement, Node, Stage

UPTIME = Command("cat \\"$ROOT\\"/proc/uptime")


class Uptime(Check[Node]):
    """The node has been up for a minute."""

    id = "host.uptime"
    stage = Stage.HOST
    faults = (Fault("SITE-UPTIME", "just booted", "wait"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, UPTIME)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seconds = float(out.text(target, UPTIME).split()[0])
        yield Measurement("uptime", seconds, "s", target.name, Limit("uptime", ">=", 60.0, "s"))
'''


def test_every_stock_check_says_what_it_needs_to() -> None:
    checks = battery.load()
    assert len({c.id for c in checks}) == len(checks) >= 25
    order = [STAGES.index(c.stage) for c in checks]
    assert order == sorted(order)
    for check in checks:
        assert check.says.endswith("."), check.id
        assert check.faults or check.collects, check.id
        for fault in check.faults:
            assert fault.action
            assert fault.title


def test_a_site_adds_a_check_with_one_file(tmp_path: Path) -> None:
    (tmp_path / "uptime.py").write_text(GOOD)
    added = {c.id for c in battery.load([tmp_path])} - {c.id for c in battery.load()}
    assert added == {"host.uptime"}


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(
        GOOD.replace("host.uptime", "reach.connect").replace("Stage.HOST", "Stage.REACH")
    )
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "wrong.py").write_text(GOOD.replace('id = "host.uptime"', 'id = "uptime"'))
    (tmp_path / "silent.py").write_text(GOOD.replace('"""The node has been up for a minute."""', "pass"))
    (tmp_path / "_helper.py").write_text("raise RuntimeError\n")
    with pytest.raises(battery.BatteryError) as caught:
        battery.load([tmp_path, tmp_path / "nowhere"])
    text = str(caught.value)
    for part in (
        "6 problems",
        "twice.py: check reach.connect is already in",
        "broken.py line 1: SyntaxError",
        "empty.py: holds no check",
        "wrong.py: class Uptime: id 'uptime' must begin with its stage",
        "silent.py: class Uptime: has no docstring",
        "nowhere: no such folder",
    ):
        assert part in text


def test_levels_contain_each_other() -> None:
    checks = battery.load()
    sizes = [len(battery.at_level(checks, level)) for level in Level]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0
