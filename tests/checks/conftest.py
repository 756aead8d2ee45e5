"""What every test of a check needs: the check from its file, a profile and outputs from plain values.

`load_check("gpu/count.py")` gives an instance of the one check in that file of `checks/`. `make_context`
builds the profile, `make_outputs` the answers of one node; `corpus_text` reads a captured output and skips
where there is none.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.records import replace

from bringup.check import AnyCheck, Check, Outputs
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.errors import NoLimit
from bringup.model import Limit, Measurement, Node, Outcome

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("BRINGUP_CORPUS", ROOT.parent / "shared" / "corpus"))

LimitText = tuple[str, float | str | bool] | tuple[str, float | str | bool, str]
NODE = Node(name="gpu-001", address="192.0.2.1", profile="test", rack="R01", unit="10")


@dataclass(frozen=True)
class FakeRules:
    """A profile from two dicts: `limits` are (op, value) or (op, value, unit), `facts` plain values."""

    limits: Mapping[str, LimitText]
    facts: Mapping[str, object]
    name: str = "test"

    def limit(self, name: str) -> Limit:
        if name not in self.limits:
            raise NoLimit(f"profile {self.name} has no limit {name}")
        op, value, *unit = self.limits[name]
        return Limit(name, op, value, unit[0] if unit else "", source="test.toml:1")

    def fact(self, name: str) -> object:
        if name not in self.facts:
            raise NoLimit(f"profile {self.name} has no fact {name}")
        return self.facts[name]


@dataclass(frozen=True)
class Answer:
    """One command's answer in full, where plain text with status 0 does not say enough."""

    stdout: str | bytes = ""
    status: int | None = 0
    stderr: str | bytes = ""
    ended: Ended = Ended.EXITED
    detail: str = ""
    at: float = 1_000_000.0
    truncated: bool = False


@pytest.fixture
def load_check() -> Callable[[str], AnyCheck]:
    """An instance of the one Check class that a file of `checks/` defines."""

    def load(relative: str) -> AnyCheck:
        path = ROOT / "checks" / relative
        name = "checks_under_test_" + relative.removesuffix(".py").replace("/", "_")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None, path
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        own = [
            thing
            for thing in vars(module).values()
            if inspect.isclass(thing) and issubclass(thing, Check) and thing.__module__ == name
        ]
        assert len(own) == 1, f"{relative} defines {len(own)} checks"
        check: AnyCheck = own[0]()
        return check

    return load


@pytest.fixture
def node() -> Node:
    return NODE


@pytest.fixture
def make_node() -> Callable[..., Node]:
    """The test node with other fields, for example a second node of a pair: make_node(name="gpu-002")."""

    def make(**fields: object) -> Node:
        return replace(NODE, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_context() -> Callable[..., Context]:
    """A context whose only profile `test` holds these limits and facts."""

    def make(
        limits: Mapping[str, LimitText] | None = None,
        facts: Mapping[str, object] | None = None,
        *,
        started: float = 1_000_000.0,
        readings: Mapping[tuple[str, str], tuple[Measurement, ...]] | None = None,
        listen_port: int = 18515,
    ) -> Context:
        rules = {"test": FakeRules(limits or {}, facts or {})}
        return Context(rules=rules, started=started, readings=readings or {}, listen_port=listen_port)

    return make


@pytest.fixture
def answer() -> type[Answer]:
    """The class of a full answer: answer("text", status=9, stderr="...", ended=Ended.TIMEOUT)."""
    return Answer


@pytest.fixture
def make_outputs() -> Callable[..., Outputs]:
    """Outputs from {command: text or Answer} of the test node, or {(node name, command): text or Answer}."""

    def make(
        answers: Mapping[Command | tuple[str, Command], str | bytes | Answer], node: str = NODE.name
    ) -> Outputs:
        outputs: dict[tuple[str, Command], Output] = {}
        for key, given in answers.items():
            name, command = key if isinstance(key, tuple) else (node, key)
            said = given if isinstance(given, Answer) else Answer(given)
            outputs[name, command] = Output(
                node=name,
                command=command,
                ended=said.ended,
                status=said.status if said.ended is Ended.EXITED else None,
                stdout=_bytes(said.stdout),
                stderr=_bytes(said.stderr),
                seconds=0.1,
                at=said.at,
                truncated=said.truncated,
                detail=said.detail,
            )
        return Outputs(outputs)

    return make


@pytest.fixture
def corpus_text() -> Callable[[str], str]:
    """The text of a captured output, by its path below the corpus; skips where there is no corpus."""

    def read(relative: str) -> str:
        if not CORPUS.is_dir():
            pytest.skip(f"no captured outputs at {CORPUS}; set BRINGUP_CORPUS")
        return (CORPUS / relative).read_bytes().decode("utf-8", "replace")

    return read


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


HGX_FACTS: dict[str, object] = {
    "gpu.vendor": "nvidia",
    "gpu.count": 8,
    "nvlink.links": 18,
    "nvlink.fabric_manager": True,
    "kernel_log.lookback_min": 60,
    "fabric.hcas": ["mlx5_0", "mlx5_1"],
    "tools.required": ["nvidia-smi"],
    "dcgm.diag_level": 1,
}
HGX_LIMITS: dict[str, LimitText] = {
    "pcie.gpu.count": ("==", 8),
    "pcie.gpu.width": ("==", 16),
    "pcie.gpu.gen_max": (">=", 5),
    "pcie.nic.width": ("==", 16),
    "pcie.nic.speed": (">=", 32, "GT/s"),
    "pcie.aer.fatal": ("==", 0),
    "pcie.aer.nonfatal": ("==", 0),
    "gpu.count": ("==", 8),
    "gpu.model": ("==", "NVIDIA H100 80GB HBM3"),
    "gpu.memory.total": (">=", 80743, "MiB"),
    "gpu.ecc.uncorrected": ("==", 0),
    "gpu.remap.pending": ("==", 0),
    "gpu.remap.failed": ("==", 0),
    "gpu.remap.uncorrectable": ("<=", 512),
    "gpu.xid": ("==", 0),
    "gpu.slowdown": ("==", 0),
    "gpu.persistence": ("==", "Enabled"),
    "gpu.mig": ("==", "Disabled"),
    "gpu.ecc.mode": ("==", "Enabled"),
    "nvlink.fm.state": ("==", "active"),
    "nvlink.fabric.state": ("==", "Completed"),
    "nvlink.fabric.status": ("==", "Success"),
    "nvlink.links.active": ("==", 18),
    "nvlink.link.speed": (">=", 25, "GB/s"),
    "nvlink.errors.replay": ("<=", 0),
    "nvlink.errors.recovery": ("<=", 0),
    "nvlink.errors.crc": ("<=", 0),
    "gpu.clocks.sm_max": (">=", 1980, "MHz"),
    "gpu.temperature": ("<=", 75, "C"),
    "gpu.memory.temperature": ("<=", 95, "C"),
    "gpu.power.limit": (">=", 700, "W"),
    "gpu.inforom": ("==", 0),
    "gpu.sram.corrected": ("<=", 10000),
    "gpu.sram.uncorrected": ("<=", 4),
    "gpu.recovery": ("==", "None"),
    "gpu.dcgm.health": ("==", "Healthy"),
    "nvlink.imex.service": ("==", "active"),
}


@pytest.fixture
def hgx(make_context: Callable[..., Context]) -> Callable[..., Context]:
    """A context like an HGX H100's; `facts` and `limits` replace single ones, None takes one away."""

    def make(
        *,
        facts: Mapping[str, object] | None = None,
        limits: Mapping[str, LimitText | None] | None = None,
        started: float = 1_000_000.0,
    ) -> Context:
        all_limits: dict[str, LimitText | None] = {**HGX_LIMITS, **(limits or {})}
        all_facts = {**HGX_FACTS, **(facts or {})}
        return make_context(
            {name: value for name, value in all_limits.items() if value is not None},
            {name: value for name, value in all_facts.items() if value is not None},
            started=started,
        )

    return make


@pytest.fixture
def values() -> Callable[[Outcome], list[tuple[str, str, float | str, bool]]]:
    """An outcome's measurements as (name, component, value, whether the limit holds)."""

    def read(outcome: Outcome) -> list[tuple[str, str, float | str, bool]]:
        return [(m.name, m.at, m.value, m.ok) for m in outcome.measurements]

    return read


@pytest.fixture
def found() -> Callable[[Outcome], list[tuple[str, str, str]]]:
    """An outcome's findings as (weight, code, component)."""

    def read(outcome: Outcome) -> list[tuple[str, str, str]]:
        return [(f.weight.value, f.code, f.at) for f in outcome.findings]

    return read
