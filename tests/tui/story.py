"""Writes the journal and the kept output of an invented run, stage by stage, so that a test can watch it grow."""

from __future__ import annotations

from pathlib import Path

from tui.hall import REFUSED, STAGES, Hall

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.journal import Journal
from bringup.model import Level, RunInfo, RunVerdict, Stage

STARTED = 1_760_000_000.0


class Clock:
    """The time of the story; every event takes a moment."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Story:
    """An invented run: `begin`, then stages by name, then `end`; or `whole`."""

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
        self.hall = Hall(nodes, per_rack, racks=racks, keep=self.kept)

    def write(self, *events: ev.AnyEvent) -> None:
        for event in events:
            self.journal.write(event)

    def kept(
        self, node: str, stage: Stage, command: Command, stdout: bytes, stderr: bytes = b"", status: int = 0
    ) -> Evidence:
        """Keep an output as a run does."""
        file = f"evidence/{node}/{stage.value}.out"
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as out:
            offset = out.tell()
            out.write(stdout + stderr)
        size = (len(stdout), len(stderr))
        return Evidence(node, file, command, Ended.EXITED, status, 1.25, self.clock.now, offset, *size)

    def begin(self) -> None:
        info = RunInfo("0821-1002", "hall-2", Level.STANDARD, "0.1.0", self.started, STAGES, estimate_s=840.0)
        self.write(ev.RunStarted(info=info), *(ev.NodeListed(node=n) for n in self.hall.nodes))

    def stage(self, stage: Stage, *, part: float = 1.0) -> None:
        """One stage; with `part` below 1 it stays unfinished and the rest of its nodes at work."""
        cases = list(self.hall.outcomes(stage))
        plan: dict[str, list[str]] = {}
        for case in cases:
            plan.setdefault(case.check, []).append(case.target)
        for check, targets in plan.items():
            self.write(ev.Planned(stage=stage, check=check, targets=targets))
        rounds = 3 if stage is Stage.RDMA else 1
        self.write(ev.StageStarted(stage=stage, estimate_s=120.0, rounds=rounds))
        if rounds > 1:
            self.write(ev.RoundStarted(stage=stage, round=max(1, round(part * 3)), rounds=3))
        busy = [n for n in self.hall.names if n != self.hall.lost or stage is Stage.REACH]
        self.write(ev.Working(stage=stage, nodes=busy))
        done = cases[: round(len(cases) * part)]
        self.write(*(ev.Judged(outcome=case) for case in done))
        left = {n for case in cases[len(done) :] for n in case.nodes}
        self.write(ev.Idle(stage=stage, nodes=[n for n in busy if n not in left]))
        if stage is Stage.REACH:
            lost = self.hall.lost
            self.write(ev.Quarantined(component=lost, stage=stage, check="reach.ssh", reason=REFUSED))
        self.clock.now += 90 * part
        if part >= 1:
            self.write(ev.StageEnded(stage=stage), ev.DefectsFound(defects=self.hall.defects(stage)))

    def end(self, verdict: RunVerdict = RunVerdict.NOT_READY, aborted: str = "") -> None:
        self.write(ev.RunEnded(verdict=verdict, aborted=aborted))
        self.journal.close()

    def whole(self) -> None:
        self.begin()
        for stage in STAGES:
            self.stage(stage)
        self.write(ev.Note(text="chrony answers on no node: the clocks were compared with this machine"))
        self.end()
