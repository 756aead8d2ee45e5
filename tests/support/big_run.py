"""An invented run of any size, with everything that a report draws: rails, leaves, speeds, versions, defects, holes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from support.records import replace

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import (
    FLEET,
    Finding,
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

STARTED = 1_787_306_520.0
RAILS = 8
PER_RACK = 8
PER_LEAF = 32
BANDWIDTH = Limit("rdma.write_bw", ">=", 380.0, "Gb/s", "invented", "invented.toml:1")
BUSBW = Limit("collective.node.all_reduce", ">=", 460.0, "GB/s", "invented", "invented.toml:2")
GEMM = Limit("perf.gemm", ">=", 706.0, "TFLOPS", "invented", "invented.toml:3")
RATE = Limit("link.rate", "==", 400.0, "Gb/s", "invented", "invented.toml:4")


def nodes(count: int) -> list[Node]:
    """Nodes of eight rails, eight to a rack, 32 to a leaf of each rail."""
    made = []
    for i in range(count):
        ports = tuple(
            Port(
                rail,
                f"mlx5_{rail}",
                f"leaf-{i // PER_LEAF * RAILS + rail + 1:03}",
                str(i % PER_LEAF + 1),
                f"C{rail}-{i + 1:04}",
            )
            for rail in range(RAILS)
        )
        made.append(
            Node(f"gpu-{i + 1:04}", address=f"10.1.{i // 250}.{i % 250 + 1}", rack=f"R{i // PER_RACK + 1:03}",
                 unit=str(i % PER_RACK * 5 + 2), serial=f"SN{i:06}", profile="hgx-h100", ports=ports)
        )  # fmt: skip
    return made


def events(count: int, seed: int = 1) -> list[ev.AnyEvent]:
    """The journal of a run of that many nodes: about one in forty is not as it should be."""
    return list(_numbered(_told(nodes(count), random.Random(seed))))


def _numbered(told: Iterator[ev.AnyEvent]) -> Iterator[ev.AnyEvent]:
    import msgspec

    for seq, event in enumerate(told, start=1):
        yield msgspec.structs.replace(event, seq=seq, at=event.at or STARTED + seq * 0.001)


def _told(members: list[Node], chance: random.Random) -> Iterator[ev.AnyEvent]:
    names = [n.name for n in members]
    kinds = {
        name: chance.choice(("slow", "gpu", "driver", "lost")) for name in names if chance.random() < 0.025
    }
    kinds |= dict(zip(names[1:8:2], ("slow", "gpu", "driver", "lost"), strict=False))
    checks = (
        "reach.connect",
        "host.software",
        "link.rate",
        "gpu.count",
        "perf.gemm",
        "rdma.write-bw",
        "collective.node",
    )
    yield ev.RunStarted(
        info=RunInfo("1120-0931", "hall-2", version="1.0", started=STARTED, checks=checks, nodes=len(members))
    )
    for node in members:
        yield ev.NodeListed(node=node)
    for check in checks:
        stage = Stage(check.partition(".")[0])
        pairs = list(zip(members[::2], members[1::2], strict=False))
        targets = (
            [f"{a.name} ~ {b.name} rail {r}" for a, b in pairs for r in range(RAILS)]
            if stage is Stage.RDMA
            else names
        )
        yield ev.Planned(stage=stage, check=check, targets=targets)
        yield ev.StageStarted(stage=stage)
        if stage is Stage.RDMA:
            for a, b in pairs:
                for rail in range(RAILS):
                    yield ev.Judged(outcome=_pair(a, b, rail, kinds, chance))
        else:
            for node in members:
                yield ev.Judged(outcome=_single(check, stage, node, kinds.get(node.name, ""), chance))
        yield ev.StageEnded(stage=stage)
    waived = Outcome(
        "perf.fleet",
        Stage.PERF,
        FLEET,
        tuple(names),
        Verdict.NOT_RUN,
        reason="no GPU load",
        why=Why.NOT_APPLICABLE,
    )
    yield ev.Judged(outcome=waived)
    yield ev.DefectsFound(defects=[_defect(n, kinds[n.name]) for n in members if n.name in kinds])
    yield ev.Note(text="2 limits were learned from this fleet")
    yield ev.RunEnded(verdict=RunVerdict.NOT_READY, at=STARTED + 768)


def _single(check: str, stage: Stage, node: Node, kind: str, chance: random.Random) -> Outcome:
    name = node.name
    made = Outcome(check, stage, name, (name,), Verdict.PASS, at=(name,), evidence=(_evidence(name, stage),))
    if kind == "lost":
        if check == "reach.connect":
            reason = f"{name} does not answer: {node.address} port 22: connection refused"
            return replace(made, verdict=Verdict.ERROR, reason=reason, code="NODE-UNREACHABLE")
        return replace(
            made, verdict=Verdict.NOT_RUN, reason=f"{name} is unreachable", why=Why.QUARANTINED, evidence=()
        )
    if check == "host.software":
        driver = "570.86.15" if kind == "driver" else "580.95.05"
        return replace(
            made,
            measurements=(Measurement("driver", driver, "", name), Measurement("kernel", "5.15.0", "", name)),
        )
    if check == "link.rate":
        read = [Measurement("rate", 400.0, "Gb/s", f"{name}/hca/{p.hca}/port/1", RATE) for p in node.ports]
        state = [Measurement("state", "ACTIVE", "", f"{name}/hca/{p.hca}/port/1") for p in node.ports]
        return replace(made, measurements=(*read, *state))
    if check == "gpu.count" and kind == "gpu":
        lost = Finding(
            "GPU-LOST", f"{name} GPU 5 (serial 165392{name[-4:]}) fell off the bus: Xid 79", f"{name}/gpu/5"
        )
        return replace(made, verdict=Verdict.FAIL, findings=(lost,))
    if check == "perf.gemm":
        speeds = (
            Measurement("GEMM bf16", chance.gauss(745, 2), "TFLOPS", f"{name}/gpu/{i}", GEMM)
            for i in range(8)
        )
        return replace(made, measurements=tuple(speeds))
    if check == "collective.node":
        speed = Measurement("busbw", chance.gauss(481, 1), "GB/s", name, BUSBW)
        return replace(made, measurements=(speed,))
    return made


def _pair(a: Node, b: Node, rail: int, kinds: dict[str, str], chance: random.Random) -> Outcome:
    key, names = f"{a.name} ~ {b.name} rail {rail}", (a.name, b.name)
    made = Outcome("rdma.write-bw", Stage.RDMA, key, names, Verdict.PASS)
    if "lost" in (kinds.get(a.name), kinds.get(b.name)):
        return replace(
            made, verdict=Verdict.NOT_RUN, reason="the partner is unreachable", why=Why.QUARANTINED
        )
    slow = rail == 3 and "slow" in (kinds.get(a.name), kinds.get(b.name))
    value = chance.gauss(187, 30) if slow else chance.uniform(385, 392)
    at = f"{a.name}/hca/mlx5_{rail}/port/1 ~ {b.name}/hca/mlx5_{rail}/port/1"
    measured = Measurement("write_bw", value, "Gb/s", at, BANDWIDTH, "RDMA-BW")
    return replace(made, verdict=Verdict.FAIL if slow else Verdict.PASS, measurements=(measured,),
                   evidence=(_evidence(a.name, Stage.RDMA), _evidence(b.name, Stage.RDMA)))  # fmt: skip


def _evidence(name: str, stage: Stage) -> Evidence:
    command = Command(f"echo {name}")
    return Evidence(
        name, f"evidence/{name}/{stage.value}.out", command, Ended.EXITED, 0, 0.2, STARTED, 0, 36, 0
    )


def _defect(node: Node, kind: str) -> Defect:
    name, port = node.name, node.ports[3]
    if kind == "slow":
        at = f"{name}/hca/mlx5_3/port/1"
        return Defect(
            f"D-S{name[-4:]}", "RDMA-BW", Who.HANDS_ON, Severity.ISOLATE, at, (name,), "the port moves too little data",
            f"clean and reseat {port.cable} at both ends; then swap the cable, then the adapter", place=node.place,
            far_end=f"{port.leaf} port {port.leaf_port}", cable=port.cable, expected="at least 380 Gb/s",
            measured="187 Gb/s", ruled_out=("7 other ports of the node are good",),
            explains=(Symptom("rdma.write-bw", f"{name} rail 3", "RDMA-BW", at, "187 Gb/s"),),
        )  # fmt: skip
    if kind == "gpu":
        at = f"{name}/gpu/5"
        return Defect(
            f"D-G{name[-4:]}", "GPU-LOST", Who.HANDS_ON, Severity.ISOLATE, at, (name,), "a GPU fell off the bus",
            "drain power, reseat the baseboard; returns after that: replace the GPU tray", place=node.place,
            measured=f"Xid 79; 7 of 8 GPUs; serial 165392{name[-4:]}",
            explains=(Symptom("gpu.count", name, "GPU-LOST", at, "7 of 8 GPUs"),),
        )  # fmt: skip
    if kind == "driver":
        return Defect(
            f"D-D{name[-4:]}", "VERSION-MINORITY", Who.SOFTWARE, Severity.REBOOT, name, (name,), "another driver than the others",
            "install the majority's version", measured="570.86.15 on few nodes",
        )  # fmt: skip
    return Defect(
        f"D-L{name[-4:]}", "NODE-UNREACHABLE", Who.COULD_NOT_JUDGE, Severity.ISOLATE, name, (name,), f"{name} does not answer",
        "check power, BMC and management cable", place=node.place,
        explains=(Symptom("reach.connect", name, "NODE-UNREACHABLE", name, "connection refused"),),
    )  # fmt: skip
