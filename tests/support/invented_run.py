"""Small invented runs for the life of defects: a few nodes with two ports, outcomes in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bringup import events as ev
from bringup.defects import Fault
from bringup.diagnosis import diagnose
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Port, RunInfo, Stage, Verdict, Why
from bringup.run import RunState, fold

STARTED = 1_787_306_520.0
ONE = Limit("one", "==", 1.0)
BW = Limit("bw", ">=", 380.0, "Gb/s")
FAULTS = {
    "reach.connect": (Fault("NODE-UNREACHABLE", "{node} does not answer", "look"),),
    "gpu.count": (Fault("GPU-LOST", "{at} is lost", "reseat"),),
    "link.rate": (Fault("LINK-RATE", "{at} is slow", "clean {cable}"),),
    "rdma.write-bw": (Fault("RDMA-BW", "{at} moves too little", "swap", explained_by=("LINK-RATE",)),),
    "perf.gemm": (Fault("GPU-SLOW", "{at} is slow", "cool"),),
}


def nodes(count: int = 4) -> dict[str, Node]:
    made = [
        Node(
            f"n{i}", rack="R1", unit=str(i), profile="p", serial=f"SN{i}",
            ports=(Port(0, "mlx5_0", "leaf-1", str(i), f"L1-{i}"), Port(1, "mlx5_1", "leaf-2", str(i), f"L2-{i}")),
        )
        for i in range(1, count + 1)
    ]  # fmt: skip
    return {n.name: n for n in made}


def port(node: str, hca: int = 0) -> str:
    return f"{node}/hca/mlx5_{hca}/port/1"


def single(check: str, node: str, good: bool = True, at: str = "", **more: object) -> Outcome:
    """One outcome of a node: a measurement that keeps or breaks its limit."""
    m = Measurement("one", 1.0 if good else 0.0, "", at or node, ONE)
    verdict = Verdict.PASS if good else Verdict.FAIL
    stage = Stage(check.partition(".")[0])
    return Outcome(check, stage, node, (node,), verdict, at=(node,), measurements=(m,), **more)  # type: ignore[arg-type]


def serial(node: str, number: str, hca: int = 0) -> Outcome:
    """An optic's serial number, as link.optics-identity reads it."""
    m = Measurement("link.optic.serial", number, "", port(node, hca))
    return Outcome(
        "link.optics-identity", Stage.LINK, node, (node,), Verdict.PASS, at=(node,), measurements=(m,)
    )


def pair(a: str, b: str, good: bool = True, rail: int = 0) -> Outcome:
    ends = (port(a, rail), port(b, rail))
    m = Measurement("bw", 391.0 if good else 170.0, "Gb/s", " ~ ".join(ends), BW)
    verdict = Verdict.PASS if good else Verdict.FAIL
    return Outcome(
        "rdma.write-bw", Stage.RDMA, f"{a} ~ {b} rail {rail}", (a, b), verdict, at=ends, measurements=(m,)
    )


def blocked(check: str, node: str, component: str) -> Outcome:
    """Not run, because the component left the run."""
    reason = f"{component} left the run in stage gpu (gpu.count): invented"
    stage = Stage(check.partition(".")[0])
    return Outcome(
        check, stage, node, (node,), Verdict.NOT_RUN, at=(node,), reason=reason, why=Why.QUARANTINED
    )


def error(check: str, node: str) -> Outcome:
    stage = Stage(check.partition(".")[0])
    return Outcome(check, stage, node, (node,), Verdict.ERROR, at=(node,), reason="no answer")


def finding(check: str, node: str, code: str, at: str) -> Outcome:
    stage = Stage(check.partition(".")[0])
    return Outcome(
        check, stage, node, (node,), Verdict.FAIL, at=(node,), findings=(Finding(code, "bad", at),)
    )


def events_of(
    name: str, outcomes: Iterable[Outcome], *, members: dict[str, Node] | None = None, left: Sequence[str] = (),
    cluster: str = "hall", selection: str = "",
) -> list[ev.AnyEvent]:  # fmt: skip
    """The journal of a finished run with these outcomes and the defects that diagnosis makes of them."""
    outcomes = list(outcomes)
    members = members or nodes()
    checks = tuple(dict.fromkeys(o.check for o in outcomes))
    info = RunInfo(name, cluster, started=STARTED, checks=checks, nodes=len(members), selection=selection,
                   stages=tuple(dict.fromkeys(o.stage for o in outcomes)))  # fmt: skip
    told: list[ev.AnyEvent] = [ev.RunStarted(info=info)]
    told += [ev.NodeListed(node=node) for node in members.values()]
    told += [ev.Planned(stage=o.stage, check=o.check, targets=[o.target]) for o in outcomes]
    told += [ev.StageStarted(stage=s) for s in info.stages]
    told += [ev.Quarantined(component=c, stage=Stage.GPU, check="gpu.count", reason="bad") for c in left]
    told += [ev.Judged(outcome=o) for o in outcomes]
    told += [ev.StageEnded(stage=s) for s in info.stages]
    told.append(ev.DefectsFound(defects=diagnose(outcomes, FAULTS, members)))
    told.append(ev.RunEnded(verdict=fold(told).judge_run()))
    stamped: list[ev.AnyEvent] = []
    for number, event in enumerate(told, 1):
        import msgspec

        stamped.append(msgspec.structs.replace(event, seq=number, at=STARTED + number * 0.01))
    return stamped


def run(name: str, outcomes: Iterable[Outcome], **more: object) -> RunState:
    return fold(events_of(name, outcomes, **more))  # type: ignore[arg-type]
