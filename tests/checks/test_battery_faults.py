"""What holds for each check of a single node: it says a fact, its faults can be acted on, a code means one thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bringup.profile import load

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("reach", "host", "pcie", "gpu", "nvlink", "link", "perf")
FILES = sorted(f"{stage}/{p.name}" for stage in STAGES for p in (ROOT / "checks" / stage).glob("*.py"))
LOCAL = [f for f in FILES if f.split("/")[0] in ("reach", "host")]
PLACES = {"at", "node", "place", "cable", "leaf", "leaf_port"}


@pytest.mark.parametrize("file", FILES)
def test_a_check_says_a_fact_and_its_faults_can_be_acted_on(file, load_check) -> None:
    check = load_check(file)
    assert check.says.endswith(".")
    assert check.id.startswith(f"{check.stage.value}.")
    for fault in check.faults:
        assert set(re.findall(r"\{(\w+)\}", fault.title + fault.action)) <= PLACES
        assert len(fault.action) > 20
        assert fault.code not in fault.explained_by


def test_a_code_means_the_same_wherever_it_is_declared(load_check) -> None:
    declared: dict[str, set[object]] = {}
    for file in FILES:
        for fault in load_check(file).faults:
            declared.setdefault(fault.code, set()).add(fault)
    assert {code for code, faults in declared.items() if len(faults) > 1} == set()


@pytest.mark.parametrize("profile", ["linux", "hgx-h100", "mi300x", "cpu-ethernet"])
def test_the_profiles_hold_every_number_that_each_node_is_asked_for(profile) -> None:
    rules = load(profile)
    for file in LOCAL:
        text = (ROOT / "checks" / file).read_text(encoding="utf-8")
        for name in re.findall(r'ctx\.limit\(target, "([^"]+)"\)', text):
            if not name.startswith("gpu."):
                assert rules.limit(name).why, (file, name)
        for name in re.findall(r'ctx\.number\(target, "([^"]+)"\)', text):
            assert isinstance(rules.fact(name), int), (file, name)
