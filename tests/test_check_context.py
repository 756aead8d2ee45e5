"""What a check may ask its context for: GPUs of a vendor, limits that a profile may lack, tools that are optional."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bringup.check import Outputs
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.errors import NoLimit, NotApplicable, ToolMissing
from bringup.model import Limit, Node

NODE = Node("gpu-001", profile="p")
TOOL = Command("dcgmi -v", needs=("dcgmi",))


@dataclass
class Rules:
    facts: dict[str, object] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    name: str = "p"

    def limit(self, name: str) -> Limit:
        if name not in self.limits:
            raise NoLimit(f"no limit {name}")
        return self.limits[name]

    def fact(self, name: str) -> object:
        if name not in self.facts:
            raise NoLimit(f"no fact {name}")
        return self.facts[name]


def context(**facts: object) -> Context:
    return Context(rules={"p": Rules({name.replace("_", "."): value for name, value in facts.items()})})


def answer(ended: Ended) -> Outputs:
    out = Output("gpu-001", TOOL, ended, status=0 if ended is Ended.EXITED else None, detail="dcgmi")
    return Outputs({("gpu-001", TOOL): out})


def test_gpus_of_a_vendor() -> None:
    amd = context(gpu_count=8, gpu_vendor="amd")
    assert amd.need_gpus(NODE) == amd.need_gpus(NODE, "amd") == 8
    with pytest.raises(NotApplicable, match="made by amd, not nvidia"):
        amd.need_gpus(NODE, "nvidia")
    with pytest.raises(NotApplicable, match="no GPUs"):
        context(gpu_count=0).need_gpus(NODE, "nvidia")
    with pytest.raises(NoLimit):
        context(gpu_count=8).need_gpus(NODE, "nvidia")


def test_a_limit_that_a_profile_may_lack() -> None:
    known = Context(rules={"p": Rules(limits={"x": Limit("x", "<=", 1)})})
    assert known.limit_or_none(NODE, "x") == Limit("x", "<=", 1)
    assert known.limit_or_none(NODE, "y") is None
    with pytest.raises(NoLimit, match="no profile"):
        known.limit_or_none(Node("n"), "x")


def test_a_tool_that_is_optional_and_one_that_is_required() -> None:
    with pytest.raises(NotApplicable, match="dcgmi is not installed on gpu-001"):
        answer(Ended.MISSING).optional(NODE, TOOL, context(tools_required=["awk"]))
    with pytest.raises(ToolMissing):
        answer(Ended.MISSING).optional(NODE, TOOL, context(tools_required=["awk", "dcgmi"]))
    assert answer(Ended.EXITED).optional(NODE, TOOL, context(tools_required=[])).status == 0


def test_without_the_list_nobody_knows_whether_a_tool_is_optional() -> None:
    with pytest.raises(NoLimit):
        answer(Ended.MISSING).optional(NODE, TOOL, context())
