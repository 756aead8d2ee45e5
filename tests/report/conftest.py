"""Invented runs for the reports: a builder of events, and the runs that every report must show well.

All runs here are invented; no text is from a real cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import pytest
from support.records import replace

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import (
    Finding,
    Level,
    Limit,
    Measurement,
    Node,
    Outcome,
    Port,
    RunInfo,
    RunVerdict,
    Stage,
    Verdict,
    Why,
)
from bringup.run import RunState, fold

STARTED = 1_787_306_520.0  # 2026-08-21 10:02:00 UTC
BANDWIDTH = Limit("rdma.write_bw", ">=", 360.0, "Gb/s", "invented: 90 % of the line rate", "invented.toml:12")


INFO = RunInfo(
    id="0821-1002",
    name="hall-2",
    level=Level.STANDARD,
    version="1.0",
    started=STARTED,
    stages=(Stage.REACH, Stage.LINK, Stage.RDMA),
    checks=("reach.login", "link.rate", "rdma.write-bw"),
    estimate_s=100.0,
)


def node(number: int, per_rack: int = 8) -> Node:
    ports = tuple(
        Port(rail, f"mlx5_{rail}", f"leaf-{rail:02}", str(number), f"L{rail:02}-{number:02}")
        for rail in range(2)
    )
    return Node(
        f"gpu-{number:03}",
        rack=f"R{(number - 1) // per_rack + 1:02}",
        unit=str(2 * ((number - 1) % per_rack) + 4),
        serial=f"SN{number:05}",
        ports=ports,
    )


@dataclass
class Story:
    """Collects the events of an invented run. Times are seconds after its start."""

    nodes: list[Node] = field(default_factory=list)
    info: RunInfo = INFO
    events: list[ev.AnyEvent] = field(default_factory=list)

    def add(self, event: ev.AnyEvent, at: float = 0.0) -> Story:
        self.events.append(event if event.at else _at(event, STARTED + at))
        return self

    def begin(self) -> Story:
        self.add(ev.RunStarted(info=replace(self.info, nodes=len(self.nodes))))
        for one in self.nodes:
            self.add(ev.NodeListed(node=one))
        return self

    def plan(self, check: str, targets: list[str]) -> Story:
        return self.add(ev.Planned(stage=Stage(check.split(".")[0]), check=check, targets=targets))

    def stage(self, stage: Stage, at: float, estimate_s: float = 10.0) -> Story:
        return self.add(ev.StageStarted(stage=stage, estimate_s=estimate_s), at)

    def stage_end(self, stage: Stage, at: float) -> Story:
        return self.add(ev.StageEnded(stage=stage), at)

    def outcome(self, check: str, target: str, verdict: Verdict = Verdict.PASS, **more: object) -> Story:
        names = tuple(target.split(" rail ")[0].split(" ~ "))
        made = Outcome(check, Stage(check.split(".")[0]), target, names, verdict, seconds=0.25)
        return self.add(ev.Judged(outcome=replace(made, **more)), 5.0)  # type: ignore[arg-type]

    def end(self, verdict: RunVerdict, at: float = 768.0, aborted: str = "") -> Story:
        return self.add(ev.RunEnded(verdict=verdict, aborted=aborted), at)

    def state(self) -> RunState:
        numbered = [_numbered(event, index) for index, event in enumerate(self.events, start=1)]
        return fold(numbered)


def _at(event: ev.AnyEvent, at: float) -> ev.AnyEvent:
    import msgspec

    return msgspec.structs.replace(event, at=at)


def _numbered(event: ev.AnyEvent, seq: int) -> ev.AnyEvent:
    import msgspec

    return msgspec.structs.replace(event, seq=seq)


def evidence(
    name: str, stage: str, stdout: int, stderr: int = 0, offset: int = 0, script: str = ""
) -> Evidence:
    command = Command(script or 'cat "$ROOT"/sys/class/infiniband/*/ports/*/rate')
    return Evidence(
        name, f"evidence/{name}/{stage}.out", command, Ended.EXITED, 0, 0.2, STARTED, offset, stdout, stderr
    )


def slow_port(name: str = "gpu-003", target: str = "", value: float = 187.4) -> dict[str, object]:
    at = f"{name}/hca/mlx5_1/port/1"
    measured = Measurement("write_bw", value, "Gb/s", at, BANDWIDTH, "RDMA-BW")
    return {"measurements": (measured,), "at": (at,), "evidence": (evidence(name, "rdma", 30, 6),)}


def _listed(story: Story, checks: tuple[str, ...] = ("reach.login", "link.rate")) -> list[str]:
    names = [one.name for one in story.nodes]
    for check in checks:
        story.plan(check, names)
    pairs = [f"{a} ~ {b} rail 1" for a, b in zip(names[::2], names[1::2], strict=False)]
    story.plan("rdma.write-bw", pairs)
    return pairs


def _ready(count: int = 8) -> Story:
    story = Story([node(n) for n in range(1, count + 1)]).begin()
    pairs = _listed(story)
    for at, (stage, check, targets) in enumerate(
        [
            (Stage.REACH, "reach.login", [n.name for n in story.nodes]),
            (Stage.LINK, "link.rate", [n.name for n in story.nodes]),
            (Stage.RDMA, "rdma.write-bw", pairs),
        ]
    ):
        story.stage(stage, at * 10.0 + 1)
        for target in targets:
            story.outcome(check, target)
        story.stage_end(stage, at * 10.0 + 9)
    return story.end(RunVerdict.READY)


def defect(code: str, who: Who, component: str, nodes: tuple[str, ...], **more: object) -> Defect:
    made = Defect(
        id=f"D-{sum(map(ord, code + component)) % 65536:04X}",
        code=code,
        who=who,
        severity=Severity.ISOLATE,
        component=component,
        nodes=nodes,
        title="title",
        action="action",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def _broken() -> Story:
    """16 nodes: a slow port, a dead GPU in a lower rack, a driver minority, a plan mistake, one unreachable node,
    one error without a defect."""
    story = Story([node(n) for n in range(1, 17)]).begin()
    story.plan("gpu.present", [n.name for n in story.nodes])
    pairs = _listed(story)
    names = [n.name for n in story.nodes]
    story.stage(Stage.REACH, 1)
    for name in names:
        if name == "gpu-007":
            story.outcome(
                "reach.login",
                name,
                Verdict.ERROR,
                reason="connection refused: port 22",
                code="NODE-UNREACHABLE",
            )
        else:
            story.outcome("reach.login", name)
    story.stage_end(Stage.REACH, 4).stage(Stage.LINK, 5)
    for name in names:
        if name == "gpu-007":
            story.outcome(
                "link.rate", name, Verdict.NOT_RUN, reason="gpu-007 is unreachable", why=Why.QUARANTINED
            )
            story.outcome(
                "gpu.present", name, Verdict.NOT_RUN, reason="gpu-007 is unreachable", why=Why.QUARANTINED
            )
            continue
        story.outcome("link.rate", name)
        if name == "gpu-012":
            lost = Finding("GPU-LOST", "Xid 79 at 10:03:12; 7 of 8 GPUs answer", f"{name}/gpu/5")
            story.outcome("gpu.present", name, Verdict.FAIL, findings=(lost,))
        elif name in ("gpu-005", "gpu-006"):
            reason = f"nvidia-smi did not answer within 30 s on {name}"
            story.outcome("gpu.present", name, Verdict.ERROR, reason=reason, code="COMMAND-HANGS")
        else:
            story.outcome("gpu.present", name)
    story.stage_end(Stage.LINK, 20).stage(Stage.RDMA, 21)
    for pair in pairs:
        if "gpu-003" in pair:
            story.outcome("rdma.write-bw", pair, Verdict.FAIL, **slow_port())
        elif "gpu-007" in pair:
            story.outcome("rdma.write-bw", pair, Verdict.NOT_RUN, reason="gpu-007 left", why=Why.QUARANTINED)
        else:
            story.outcome("rdma.write-bw", pair)
    story.stage_end(Stage.RDMA, 60)
    slow = "gpu-003 ~ gpu-004 rail 1"
    found = [
        defect(
            "GPU-LOST",
            Who.HANDS_ON,
            "gpu-012/gpu/5",
            ("gpu-012",),
            title="a GPU fell off the bus",
            measured="Xid 79 at 10:03:12; 7 of 8 GPUs",
            expected="8 GPUs",
            action="drain power, reseat the baseboard; returns after that: replace the GPU tray",
            explains=(Symptom("gpu.present", "gpu-012", "GPU-LOST", "gpu-012/gpu/5", "7 of 8 GPUs"),),
        ),
        defect(
            "RDMA-BW",
            Who.HANDS_ON,
            "gpu-003/hca/mlx5_1/port/1",
            ("gpu-003",),
            title="the port moves less data than it must",
            measured="187.4 Gb/s",
            expected="at least 360 Gb/s",
            cable="L01-03",
            far_end="leaf-01 port 3",
            action="clean and reseat the optic at gpu-003 mlx5_1; if it stays, change the cable L01-03",
            ruled_out=("gpu-004 is fine with other partners",),
            explains=(
                Symptom("rdma.write-bw", slow, "RDMA-BW", "gpu-003/hca/mlx5_1/port/1", "187.4 Gb/s"),
                Symptom(
                    "link.symbol-errors", "gpu-003", "LINK-ERRORS", "gpu-003/hca/mlx5_1/port/1", "412/min"
                ),
            ),
        ),
        defect(
            "VERSION-MINORITY",
            Who.CONFIGURATION,
            "gpu-009",
            tuple(f"gpu-{n:03}" for n in range(9, 12)),
            title="another driver than the rest of the fleet",
            measured="570.86 on 3 nodes, 580.95 on 12",
            action="re-image the minority",
            components=tuple(f"gpu-{n:03}" for n in range(9, 12)),
        ),
        defect(
            "FM-DOWN",
            Who.SOFTWARE,
            "gpu-014",
            ("gpu-014",),
            title="the fabric manager does not run",
            measured="failed",
            expected="active",
            action="systemctl restart nvidia-fabricmanager; read its log if it stops again",
        ),
        defect(
            "CABLE-PLAN",
            Who.PLAN,
            "gpu-015/hca/mlx5_0/port/1",
            ("gpu-015", "gpu-016"),
            title="two cables are swapped, or the plan is wrong",
            action="swap the two plugs at leaf-00, ports 15 and 16, or correct the plan",
            components=("gpu-015/hca/mlx5_0/port/1", "gpu-016/hca/mlx5_0/port/1"),
        ),
        defect(
            "NODE-UNREACHABLE",
            Who.COULD_NOT_JUDGE,
            "gpu-007",
            ("gpu-007",),
            title="unreachable",
            measured="connection refused on port 22",
            action="look at its console and its network",
            explains=(
                Symptom("reach.login", "gpu-007", "NODE-UNREACHABLE", "gpu-007", "connection refused"),
            ),
        ),
    ]
    story.add(ev.DefectsFound(defects=found), 61)
    story.add(ev.Note(text="2 limits were learned from this fleet"), 62)
    return story.end(RunVerdict.NOT_READY)


def _aborted() -> Story:
    """4 nodes; interrupted in stage link: holes in link and rdma, one failure that nobody has diagnosed."""
    story = Story([node(n) for n in range(1, 5)]).begin()
    names = [n.name for n in story.nodes]
    story.plan("reach.login", names).plan("link.rate", names)
    story.stage(Stage.REACH, 1)
    for name in names:
        story.outcome("reach.login", name)
    story.stage_end(Stage.REACH, 3).stage(Stage.LINK, 4)
    rate = Measurement(
        "rate", 100.0, "Gb/s", "gpu-001/hca/mlx5_0/port/1", msgspec.structs.replace(BANDWIDTH, value=400.0)
    )
    story.outcome("link.rate", "gpu-001", Verdict.FAIL, measurements=(rate,))
    story.outcome("link.rate", "gpu-002")
    return story.end(RunVerdict.NOT_READY, 9.0, aborted="interrupted")


EVIL = "\x1b[31mred\x1b[0m \x00\x07 ]]> <b>&amp;</b> \u202egnp.exe \ud800 \ufffe [[ATTACHMENT|/etc/shadow]] `x` | @all"


def _hostile() -> Story:
    """One node whose every text tries to break a reader."""
    long = "A" * 50_000 + EVIL
    bad = Measurement(
        EVIL,
        1.0,
        EVIL,
        f"gpu-001/{EVIL}/x",
        msgspec.structs.replace(BANDWIDTH, unit=EVIL, why=EVIL, source=EVIL),
        "",
    )
    words = Measurement(EVIL, long, "", f"gpu-001/hca/{EVIL}/port/1", Limit(EVIL, "==", EVIL))
    proof = replace(
        evidence("gpu-001", "link", 64), file="../../etc/passwd", detail=EVIL, command=Command(long)
    )
    story = Story([replace(node(1), serial=EVIL, rack=EVIL)]).begin()
    story.info = replace(story.info, checks=())
    targets = ["gpu-001", EVIL, EVIL.replace("\x1b[31m", "\x1b[32m"), long + "1", long + "2", "gpu-001 "]
    story.plan("link.rate", targets).stage(Stage.LINK, 1)
    for target in targets:
        story.outcome(
            "link.rate",
            target,
            Verdict.FAIL,
            nodes=("gpu-001",),
            measurements=(bad, words),
            findings=(Finding(EVIL, long, EVIL),),
            evidence=(proof,),
            seconds=float("nan"),
        )
    story.plan("link.layer", targets)
    story.outcome("link.layer", "gpu-001", Verdict.ERROR, reason=long, code=EVIL, seconds=-1.0)
    story.outcome("link.layer", EVIL, Verdict.NOT_RUN, nodes=("gpu-001",), reason=EVIL, why=Why.NO_PARTNER)
    evil = defect(EVIL, Who.HANDS_ON, f"gpu-001/{EVIL}", ("gpu-001", EVIL))
    evil = replace(
        evil,
        id=EVIL,
        title=EVIL,
        action=long,
        place=EVIL,
        cable=EVIL,
        far_end=EVIL,
        measured=EVIL,
        expected=EVIL,
    )
    symptom = Symptom("link.rate", EVIL, EVIL, EVIL, EVIL)
    story.add(ev.DefectsFound(defects=[replace(evil, explains=(symptom,), ruled_out=(EVIL,))]), 2)
    story.add(ev.Note(text=long), 3).stage_end(Stage.LINK, 8)
    return story.end(RunVerdict.NOT_READY, aborted=EVIL)


@pytest.fixture
def story() -> Callable[[int], Story]:
    """An empty story of some nodes, begun."""
    return lambda count: Story([node(n) for n in range(1, count + 1)]).begin()


@pytest.fixture
def ready() -> RunState:
    return _ready().state()


@pytest.fixture
def broken() -> RunState:
    return _broken().state()


@pytest.fixture
def broken_events() -> list[ev.AnyEvent]:
    return _broken().events


@pytest.fixture
def aborted() -> RunState:
    return _aborted().state()


@pytest.fixture
def hostile() -> RunState:
    return _hostile().state()


@pytest.fixture(scope="session")
def thousand() -> Iterator[RunState]:
    yield _ready(1000).state()


@pytest.fixture
def slow() -> Callable[..., dict[str, object]]:
    """The fields of an outcome of a slow port."""
    return slow_port


@pytest.fixture
def make_evidence() -> Callable[..., Evidence]:
    return evidence


@pytest.fixture
def make_defect() -> Callable[..., Defect]:
    return defect
