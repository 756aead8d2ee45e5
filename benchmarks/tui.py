"""How large a run the terminal UI carries: load, paint, key latency, memory, and a run that grows while it is watched.

    nice python benchmarks/tui.py [--nodes 12500] [--events 1500000] [--live-rate 5000] [--live-seconds 20]

An invented journal is written to a temporary folder and opened by the real app without a terminal. Key latency is told
by how long the app's loop was held up at worst while keys were pressed: no key waits longer than that. Both are told in
processor time of this process, so that the figures of a busy machine can be compared with those of an idle one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from bringup import events as ev
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.journal import encode
from bringup.model import Level, Limit, Measurement, Node, Outcome, Port, RunInfo, RunVerdict, Stage, Verdict
from bringup.tui.app import BringupApp

STAGES = (Stage.REACH, Stage.HOST, Stage.PCIE, Stage.GPU, Stage.LINK, Stage.CABLING, Stage.RDMA)
RATE = Limit("link.rate", ">=", 370.0, "Gb/s", why="94 % of the line rate", source="hgx-h100.toml:40")
KEYS = (
    "n n N down right pagedown end home enter down pagedown enter escape",
    "2 down down enter z pagedown z escape 3 down pagedown o enter escape",
    "5 down pagedown z z 4 n 1 g g g g g m less_than_sign m greater_than_sign m z z",
    "slash g p u minus 0 1 enter escape space v u L end escape 3 1",
)
TICK_S = 0.005
CONTROLLED = 1_760_000_000.0


def nodes(count: int) -> list[Node]:
    """Racks of eight nodes, eight rails each."""
    return [
        Node(
            f"gpu-{k + 1:05}", f"10.{k >> 16}.{k >> 8 & 255}.{k & 255}", rack=f"R{k // 8 + 1:04}", unit=str(4 * (k % 8) + 1),
            profile="hgx-h100",
            ports=tuple(Port(r, f"mlx5_{r}", f"leaf-{k // 32 * 8 + r:05}", str(k % 32 + 1), f"L{r}-{k:05}") for r in range(8)),
        )
        for k in range(count)
    ]  # fmt: skip


def outcome(check: str, stage: Stage, node: Node, number: int) -> Outcome:
    """What a check says; one in 5,000 is bad, one in 20,000 could not be judged."""
    at = f"{node.name}/hca/mlx5_{number % 8}/port/1"
    if number % 20_000 == 19_999:
        return Outcome(
            check, stage, node.name, (node.name,), Verdict.ERROR, (node.name,), reason="the tool hung"
        )
    bad = number % 5_000 == 4_999
    value = 187.4 if bad else 390.0 + number % 10
    return Outcome(
        check, stage, node.name, (node.name,), Verdict.FAIL if bad else Verdict.PASS, (node.name,),
        measurements=(Measurement("write_bw", value, "Gb/s", at, RATE),), seconds=1.5, ended=CONTROLLED,
    )  # fmt: skip


def journal(count: int, events: int) -> Iterator[ev.AnyEvent]:
    """A whole run: as many checks as make the wanted number of events."""
    hall = nodes(count)
    names = [n.name for n in hall]
    checks = max(len(STAGES), (events - count) // count)
    info = RunInfo("1120-0900", "bench", Level.FULL, "0", CONTROLLED, STAGES, nodes=count, estimate_s=3600.0)
    yield ev.RunStarted(info=info)
    yield from (ev.NodeListed(node=node) for node in hall)
    found: list[Defect] = []
    number = 0
    for index, stage in enumerate(STAGES):
        mine = [f"{stage.value}.check-{k:03}" for k in range(checks) if k % len(STAGES) == index]
        yield from (ev.Planned(stage=stage, check=check, targets=names) for check in mine)
        yield ev.StageStarted(stage=stage, estimate_s=500.0)
        yield ev.Working(stage=stage, nodes=names)
        for check in mine:
            for node in hall:
                number += 1
                said = outcome(check, stage, node, number)
                if said.verdict is not Verdict.PASS and len(found) < 300:
                    found.append(defect(said, len(found)))
                yield ev.Judged(outcome=said)
        if stage is Stage.CABLING:
            ends = tuple(
                Measurement("cable", f"{p.leaf} port {p.leaf_port}", "", f"{n.name}/hca/{p.hca}/port/1")
                for n in hall
                for p in n.ports
            )
            yield ev.Judged(
                outcome=Outcome("cabling.plan", stage, "fleet", tuple(names), Verdict.PASS, measurements=ends)
            )
        yield ev.Idle(stage=stage, nodes=names)
        yield ev.StageEnded(stage=stage)
        yield ev.DefectsFound(defects=found)
    yield ev.RunEnded(verdict=RunVerdict.NOT_READY)


def defect(said: Outcome, number: int) -> Defect:
    """One defect for one bad result."""
    at = said.measurements[0].at if said.measurements else said.target
    who = Who.HANDS_ON if said.verdict is Verdict.FAIL else Who.COULD_NOT_JUDGE
    return Defect(
        f"D-{number:06X}", "RDMA-BW-LOW", who, Severity.ISOLATE, at, said.nodes, "a port is slow", "reseat the cable",
        measured="187.4 Gb/s", expected="at least 370 Gb/s", stage=said.stage, components=(at,),
        explains=(Symptom(said.check, said.target, "RDMA-BW-LOW", at, "slow"),),
    )  # fmt: skip


def write(path: Path, count: int, events: int, rate: float = 0.0) -> int:
    """The journal as a file; with a rate, so many events a second after the nodes are listed."""
    written = 0
    began = 0.0
    with path.open("wb", buffering=1 << 16) as file:
        for event in journal(count, events):
            written += 1
            file.write(
                encode(
                    event.__class__(**{**_fields(event), "seq": written, "at": CONTROLLED + written / 1e4})
                )
            )
            file.write(b"\n")
            if rate and isinstance(event, ev.Judged):
                began = began or time.monotonic()
                if written % 100 == 0:
                    file.flush()
                    time.sleep(max(0.0, began + (written - count) / rate - time.monotonic()))
    return written


def _fields(event: ev.AnyEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


@dataclass
class Stall:
    """How long the app's loop was held up at worst, and what was going on then."""

    worst_s: float = 0.0
    doing: str = ""
    during: str = ""

    async def watch(self) -> None:
        """Look at the clock again and again."""
        last = time.process_time()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.process_time()
            if now - last > self.worst_s:
                self.worst_s, self.during = now - last, self.doing
            last = now

    def take(self) -> str:
        """The worst since the last call, as text."""
        said = f"{self.worst_s * 1000:.0f} ms" + (f" ({self.during})" if self.during else "")
        self.worst_s, self.during = 0.0, ""
        return said


def memory_mib() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


async def press(pilot: Pilot[str], stall: Stall, key: str) -> None:
    """One key, and time to paint."""
    stall.doing = key
    await pilot.press(key)
    await asyncio.sleep(0.12)


async def finished(folder: Path) -> None:
    """Open a run that is over."""
    app, stall = BringupApp(folder), Stall()
    began, cpu = time.perf_counter(), time.process_time()
    async with app.run_test(size=(160, 48)) as pilot:
        watcher = asyncio.create_task(stall.watch())
        stall.doing = "load"
        while app.desk.view.behind or not app.desk.view.over:
            await asyncio.sleep(0.02)
        used, loaded = time.process_time() - cpu, time.process_time()
        print(
            f"load: {used:.1f} s of processor time, {time.perf_counter() - began:.1f} s in all; {memory_mib():,} MiB"
        )
        print(f"worst stall while loading: {stall.take()}")
        app.tick()
        await asyncio.sleep(0.05)
        print(f"painted {(time.process_time() - loaded) * 1000:.0f} ms after the load")
        found: list[tuple[float, str]] = []
        for key in " ".join(KEYS).split():
            stall.take()
            await press(pilot, stall, key)
            found.append((stall.worst_s, f"{key} {app.page.place if app.page else ''}"))
        for worst_s, said in sorted(found, reverse=True)[:12]:
            print(f"  {worst_s * 1000:5.0f} ms  {said}")
        print(f"memory at the end: {memory_mib():,} MiB", flush=True)
        watcher.cancel()


async def live(folder: Path, count: int, events: int, rate: float, seconds: float) -> None:
    """Watch a run that grows."""
    (folder / "journal.jsonl").unlink(missing_ok=True)
    command = [
        sys.executable,
        __file__,
        "--writer",
        str(folder),
        "--nodes",
        str(count),
        "--events",
        str(events),
    ]
    app, stall = BringupApp(folder), Stall()
    with subprocess.Popen([*command, "--live-rate", str(rate)]) as writer:
        async with app.run_test(size=(160, 48)) as pilot:
            watcher = asyncio.create_task(stall.watch())
            view = app.desk.view
            while not view.state.outcomes:
                await asyncio.sleep(0.05)
            began, first = time.perf_counter(), view.state.seq
            stall.take()
            while time.perf_counter() - began < seconds:
                for key in ("n", "3", "down", "2", "down", "5", "1", "right", "m", "m", "m", "g"):
                    await press(pilot, stall, key)
            lines = sum(chunk.count(b"\n") for chunk in _chunks(folder / "journal.jsonl"))
            seen = view.state.seq
            speed = (seen - first) / (time.perf_counter() - began)
            print(
                f"live: {speed:,.0f} events/s taken in, {lines - seen:,} behind the file, worst stall {stall.take()}"
            )
            watcher.cancel()
        writer.terminate()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def main() -> None:
    """Write, open, press, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=12_500)
    parser.add_argument("--events", type=int, default=1_500_000)
    parser.add_argument("--live-rate", type=float, default=5_000)
    parser.add_argument("--live-seconds", type=float, default=20)
    parser.add_argument("--writer", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.writer:
        write(given.writer / "journal.jsonl", given.nodes, given.events, given.live_rate)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        folder.mkdir()
        began = time.perf_counter()
        written = write(folder / "journal.jsonl", given.nodes, given.events)
        size = (folder / "journal.jsonl").stat().st_size >> 20
        print(
            f"{given.nodes:,} nodes, {written:,} events, {size:,} MiB, written in {time.perf_counter() - began:.0f} s"
        )
        asyncio.run(finished(folder))
        gc.collect()
        asyncio.run(live(folder, given.nodes, given.events, given.live_rate, given.live_seconds))


if __name__ == "__main__":
    main()
