"""Invented runs for the screens: a small hall with one defect of every kind, written as a real journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bringup import events as ev
from bringup.journal import Journal
from bringup.model import (
    Command,
    Defect,
    Ended,
    Evidence,
    Finding,
    Level,
    Limit,
    Measurement,
    Node,
    Outcome,
    Pair,
    Port,
    RunInfo,
    RunVerdict,
    Severity,
    Stage,
    Symptom,
    Verdict,
    Who,
    Why,
)

STARTED = 1_760_000_000.0
GPUS = 8
STAGES = (Stage.REACH, Stage.HOST, Stage.GPU, Stage.LINK, Stage.RDMA)
SSH = Command("echo ready", estimate_s=0.1)
SMI = Command("nvidia-smi -q -x", needs=("nvidia-smi",))
RATE = Command('grep . "$ROOT"/sys/class/infiniband/*/ports/*/rate')
BW = Command("ib_write_bw -d mlx5_3 --report_gbits -F")


class Clock:
    """The time of the story; every event takes a moment."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Story:
    """Writes an invented run: `begin`, then stages by name, then `end`. Everything in it is made up."""

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 64,
        per_rack: int = 8,
        racks: bool = True,
        started: float = STARTED,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(started)
        self.started = started
        self.journal = Journal(folder / "journal.jsonl", clock=self.clock)
        wide = max(3, len(str(nodes)))
        self.nodes = [
            Node(
                name=f"gpu-{k + 1:0{wide}}",
                address=f"10.2.{k // 250}.{k % 250 + 1}",
                rack=f"R{k // per_rack + 1:02}" if racks else "",
                unit=str(2 + 4 * (k % per_rack)) if racks else "",
                profile="hgx-h100",
                serial=f"S{k + 1:05}",
                ports=tuple(
                    Port(r, f"mlx5_{r}", f"leaf-{r + 1}", str(k + 1), f"L{r + 1:02}-{k + 1}")
                    for r in range(8)
                ),
            )
            for k in range(nodes)
        ]
        self.names = [n.name for n in self.nodes]

    def name(self, index: int) -> str:
        return self.names[index - 1]

    @property
    def lost(self) -> str:
        return self.name(min(45, len(self.names)))

    # ------------------------------------------------------------------------------------------ writing

    def write(self, *events: ev.AnyEvent) -> None:
        for event in events:
            self.journal.write(event)

    def begin(self) -> None:
        info = RunInfo(
            "0821-1002",
            "hall-2",
            Level.STANDARD,
            "0.1.0",
            self.started,
            STAGES,
            nodes=len(self.nodes),
            estimate_s=840.0,
        )
        self.write(ev.RunStarted(info=info), *(ev.NodeListed(node=n) for n in self.nodes))

    def kept(
        self, node: str, stage: Stage, command: Command, stdout: bytes, stderr: bytes = b"", status: int = 0
    ) -> Evidence:
        file = f"evidence/{node}/{stage.value}.out"
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as out:
            offset = out.tell()
            out.write(stdout + stderr)
        return Evidence(
            node, file, command, Ended.EXITED, status, 1.25, self.clock.now, offset, len(stdout), len(stderr)
        )

    def stage(self, stage: Stage, *, part: float = 1.0) -> None:
        """One stage; with `part` below 1 it stays unfinished and the rest of its nodes at work."""
        cases = list(self._outcomes(stage))
        plan: dict[str, list[str]] = {}
        for case in cases:
            plan.setdefault(case.check, []).append(case.target)
        for check, targets in plan.items():
            self.write(ev.Planned(stage=stage, check=check, targets=targets))
        rounds = 3 if stage is Stage.RDMA else 1
        self.write(ev.StageStarted(stage=stage, estimate_s=120.0, rounds=rounds))
        if rounds > 1:
            self.write(ev.RoundStarted(stage=stage, round=max(1, round(part * 3)), rounds=3))
        busy = [n for n in self.names if n != self.lost or stage is Stage.REACH]
        self.write(ev.Working(stage=stage, nodes=busy))
        done = cases[: round(len(cases) * part)]
        for case in done:
            self.write(ev.Judged(outcome=case))
        left = {n for case in cases[len(done) :] for n in case.nodes}
        self.write(ev.Idle(stage=stage, nodes=[n for n in busy if n not in left]))
        if stage is Stage.REACH:
            self.write(
                ev.Quarantined(
                    component=self.lost,
                    stage=stage,
                    check="reach.ssh",
                    reason="connection refused on port 22",
                )
            )
        self.clock.now += 90 * part
        if part >= 1:
            self.write(ev.StageEnded(stage=stage), ev.DefectsFound(defects=self.defects(stage)))

    def end(self, verdict: RunVerdict = RunVerdict.NOT_READY, aborted: str = "") -> None:
        self.write(ev.RunEnded(verdict=verdict, aborted=aborted))
        self.journal.close()

    def whole(self) -> None:
        self.begin()
        for stage in STAGES:
            self.stage(stage)
        self.write(ev.Note(text="chrony answers on no node: the clocks were compared with this machine"))
        self.end()

    # ------------------------------------------------------------------------------------------ invented results

    def _outcomes(self, stage: Stage) -> Iterator[Outcome]:
        if stage is Stage.RDMA:
            yield from self._pairs()
            return
        for node in self.nodes:
            if node.name == self.lost and stage is not Stage.REACH:
                for check in {
                    Stage.HOST: ["host.memory"],
                    Stage.GPU: ["gpu.inventory"],
                    Stage.LINK: ["link.rate"],
                }[stage]:
                    yield Outcome(
                        check,
                        stage,
                        node.name,
                        (node.name,),
                        Verdict.NOT_RUN,
                        reason="quarantined in reach",
                        why=Why.QUARANTINED,
                    )
                continue
            yield from {
                Stage.REACH: self._reach,
                Stage.HOST: self._host,
                Stage.GPU: self._gpu,
                Stage.LINK: self._link,
            }[stage](node)
        if stage is Stage.HOST:
            odd = self.odd
            found = tuple(Finding("VERSION-MINORITY", "driver 570.86 here, 580.95 on most", n) for n in odd)
            verdict = Verdict.FAIL if odd else Verdict.PASS
            yield Outcome("host.versions", stage, "fleet", tuple(self.names), verdict, findings=found)

    @property
    def odd(self) -> list[str]:
        return self.names[32:40]

    def _reach(self, node: Node) -> Iterator[Outcome]:
        if node.name == self.lost:
            yield Outcome(
                "reach.ssh", Stage.REACH, node.name, (node.name,), Verdict.ERROR, (node.name,),
                reason="connection refused on port 22", code="NODE-UNREACHABLE",
            )  # fmt: skip
            return
        again = node.name == self.name(51 if len(self.nodes) > 51 else 1)
        m = Measurement(
            "login",
            0.21,
            "s",
            node.name,
            Limit("reach.login", "<=", 5.0, "s", why="a login takes less than this"),
        )
        kept = (self.kept(node.name, Stage.REACH, SSH, b"ready\n"),) if node.name in self.names[:2] else ()
        yield Outcome(
            "reach.ssh",
            Stage.REACH,
            node.name,
            (node.name,),
            Verdict.PASS,
            (node.name,),
            2 if again else 1,
            measurements=(m,),
            evidence=kept,
        )

    def _host(self, node: Node) -> Iterator[Outcome]:
        limit = Limit(
            "host.memory.total", ">=", 2000.0, "GiB", why="the data sheet: 2 TiB", source="hgx-h100.toml:14"
        )
        yield Outcome("host.memory", Stage.HOST, node.name, (node.name,), Verdict.PASS, (node.name,),
                      measurements=(Measurement("total", 2015.0, "GiB", node.name, limit),))  # fmt: skip

    def _gpu(self, node: Node) -> Iterator[Outcome]:
        here = GPUS - (node.name == self.gpu_lost)
        count = Measurement(
            "count", float(here), "", node.name, Limit("gpu.count", "==", 8.0, why="eight GPUs by design")
        )
        memory = tuple(
            Measurement(
                "memory",
                81559.0,
                "MiB",
                f"{node.name}/gpu/{k}",
                Limit("gpu.memory.total", ">=", 81000.0, "MiB"),
            )
            for k in range(here)
        )
        lost = (
            (Finding("GPU-XID", "Xid 79 at 09:33:12: GPU has fallen off the bus", f"{node.name}/gpu/5"),)
            if here < GPUS
            else ()
        )
        log = (
            b"\x1b[31mNVRM: Xid (PCI:0000:9b:00): 79\x1b[0m, GPU has fallen off the bus.\nAttached GPUs : 7\n"
        )
        kept = (
            self.kept(node.name, Stage.GPU, SMI, log, b"WARNING: infoROM is corrupted\n", 1) if lost else None
        )
        yield Outcome("gpu.inventory", Stage.GPU, node.name, (node.name,), Verdict.FAIL if lost else Verdict.PASS,
                      (node.name,), measurements=(count, *memory), findings=lost, evidence=(kept,) if kept else ())  # fmt: skip

    @property
    def gpu_lost(self) -> str:
        return self.name(min(21, len(self.nodes)))

    @property
    def slow(self) -> str:
        return self.name(min(9, len(self.nodes)))

    def _link(self, node: Node) -> Iterator[Outcome]:
        limit = Limit("link.rate", "==", 400.0, "Gb/s", why="NDR")
        rates = tuple(
            Measurement("rate", 400.0, "Gb/s", f"{node.name}/hca/{p.hca}/port/1", limit) for p in node.ports
        )
        yield Outcome(
            "link.rate", Stage.LINK, node.name, (node.name,), Verdict.PASS, (node.name,), measurements=rates
        )

    def _pairs(self) -> Iterator[Outcome]:
        for turn in (1, 2, 3):
            half = len(self.nodes) // 2
            for k in range(half):
                a, b = self.nodes[k], self.nodes[half + (k + turn) % half]
                for rail in (3,):
                    yield self._pair(Pair(a, b, rail, turn))

    def _pair(self, pair: Pair) -> Outcome:
        names = (pair.a.name, pair.b.name)
        at = tuple(f"{n}/hca/mlx5_{pair.rail}/port/1" for n in names)
        if self.lost in names:
            return Outcome(
                "rdma.write-bw",
                Stage.RDMA,
                pair.key,
                names,
                Verdict.NOT_RUN,
                at,
                reason="no partner",
                why=Why.NO_PARTNER,
            )
        slow = self.slow in names
        limit = Limit(
            "rdma.write_bw", ">=", 370.0, "Gb/s", why="94 % of the line rate", source="hgx-h100.toml:40"
        )
        m = Measurement("write_bw", 187.4 if slow else 391.2, "Gb/s", " ~ ".join(at), limit)
        kept = ()
        if slow:
            kept = tuple(
                self.kept(n, Stage.RDMA, BW, f" #bytes BW average[Gb/sec]\n 65536 187.4 on {n}\n".encode())
                for n in names
            )
        return Outcome(
            "rdma.write-bw",
            Stage.RDMA,
            pair.key,
            names,
            Verdict.FAIL if slow else Verdict.PASS,
            at,
            measurements=(m,),
            evidence=kept,
        )

    def defects(self, stage: Stage) -> list[Defect]:
        """The list of defects as it stands after a stage."""
        done = STAGES.index(stage)
        found = [self._unreachable(), self._versions(), self._gpu_gone(), None, self._slow_port()]
        return [d for d in found[: done + 1] if d is not None][::-1]

    def _unreachable(self) -> Defect:
        return Defect(
            "D-90B2", "NODE-UNREACHABLE", Who.COULD_NOT_JUDGE, Severity.ISOLATE, self.lost, (self.lost,),
            "the node does not answer", "look at its BMC, then at its management cable",
            place=self.nodes[self.names.index(self.lost)].place, measured="connection refused on port 22",
            explains=(Symptom("reach.ssh", self.lost, "NODE-UNREACHABLE", self.lost, "connection refused on port 22"),),
        )  # fmt: skip

    def _versions(self) -> Defect | None:
        if not self.odd:
            return None
        return Defect(
            "D-5AA1", "VERSION-MINORITY", Who.CONFIGURATION, Severity.REBOOT, self.odd[0], tuple(self.odd),
            "another driver than most nodes", "re-image the minority", measured="driver 570.86", expected="580.95 (on most)",
            stage=Stage.HOST, components=tuple(self.odd),
            explains=(Symptom("host.versions", "fleet", "VERSION-MINORITY", self.odd[0], "driver 570.86 on 8 nodes"),),
        )  # fmt: skip

    def _gpu_gone(self) -> Defect:
        at = f"{self.gpu_lost}/gpu/5"
        return Defect(
            "D-11C0", "GPU-XID", Who.HANDS_ON, Severity.ISOLATE, at, (self.gpu_lost,), "GPU 5 fell off the bus",
            "drain the power and reseat the baseboard; if it returns, replace the GPU tray",
            place=self.nodes[self.names.index(self.gpu_lost)].place, measured="Xid 79 at 09:33:12; 7 of 8 GPUs", expected="8 GPUs",
            stage=Stage.GPU, components=(at,),
            explains=(Symptom("gpu.inventory", self.gpu_lost, "GPU-XID", at, "Xid 79 at 09:33:12: GPU has fallen off the bus"),),
        )  # fmt: skip

    def _slow_port(self) -> Defect:
        at = f"{self.slow}/hca/mlx5_3/port/1"
        failed = [o for o in self._pairs() if o.verdict is Verdict.FAIL]
        return Defect(
            "D-7F3A", "RDMA-BW", Who.HANDS_ON, Severity.ISOLATE, at, (self.slow,), "a port is slower than its link",
            f"clean and reseat the optic at {self.slow} mlx5_3; if it stays, swap cables",
            place=self.nodes[self.names.index(self.slow)].place, far_end="leaf-4 port 9", cable="L04-9",
            measured="write_bw 187.4 Gb/s", expected="at least 370 Gb/s", stage=Stage.RDMA, components=(at,),
            explains=tuple(Symptom(o.check, o.target, "RDMA-BW", at, "write_bw 187.4 Gb/s, needs at least 370 Gb/s") for o in failed),
            ruled_out=("the partners: each is fast with another node",),
        )  # fmt: skip


@pytest.fixture
def make_story(tmp_path: Path) -> Callable[..., Story]:
    """A maker of invented runs in a temporary folder."""

    def make(name: str = "0821-1002", **more: object) -> Story:
        return Story(tmp_path / name, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def finished(make_story: Callable[..., Story]) -> Story:
    """An invented run of 64 nodes that has ended."""
    story = make_story()
    story.whole()
    return story


@pytest.fixture
def running(make_story: Callable[..., Story]) -> Iterator[Story]:
    """An invented run of 64 nodes in the middle of its last stage; the journal is still open."""
    story = make_story()
    story.begin()
    for stage in STAGES[:-1]:
        story.stage(stage)
    story.stage(Stage.RDMA, part=0.61)
    yield story
    story.journal.close()
