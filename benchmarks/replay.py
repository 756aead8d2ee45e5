"""What a node costs the orchestrator beside SSH: the kept answers of a run are given to the engine once more.

    bringup run -i CLUSTER.yaml --level quick
    python benchmarks/replay.py runs/1120-0931 [--nodes 4,32] [--rounds 3] [--top 30]

Nothing but this process works, so the figures hold still where those of orchestrator.py, which needs a second process
that plays the nodes, feel every other program. CPU is that of all threads: `plan` is make_plan, `engine` everything from
the bytes of a node's answer to its outcomes in the journal, `reports` what is written at the end. The least of the
rounds counts, each in a process of its own. `reference` is the same small piece of Python in each round: divide by it to
compare machines, or a busy hour with a quiet one.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bringup import battery
from bringup.cli.output import write_reports
from bringup.commands import Command, Evidence
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.model import Node, RunInfo
from bringup.orchestrator import Engine, RunFolder, make_plan, read_kept
from bringup.profile import load_all
from bringup.run import RunState, load
from bringup.transport import Cancel, Options, Sink
from bringup.transport.bundle import Bundle
from bringup.transport.drive import Take, run_bundle

Answer = tuple[Evidence, tuple[bytes, bytes]]
Answers = dict[tuple[str, Command], list[Answer]]
_PIECE = 32 << 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--nodes", default="", help="how many of its nodes (default: all of them)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(once(options.run, options.once)))
        return
    everybody = len(load(options.run).nodes)
    print("| nodes | plan, ms a node | engine | reports | all | reference, ms |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for nodes in [int(n) for n in options.nodes.split(",") if n] or [everybody]:
        rounds = [_in_a_process(options.run, nodes) for _ in range(options.rounds)]
        best = {part: min(r[part] for r in rounds) for part in ("plan", "engine", "reports", "reference")}
        whole = min(r["plan"] + r["engine"] + r["reports"] for r in rounds)
        cells = [best["plan"], best["engine"], best["reports"], whole]
        print(
            f"| {nodes} | "
            + " | ".join(f"{ms / nodes:.1f}" for ms in cells)
            + f" | {best['reference']:.0f} |"
        )


def _in_a_process(run: Path, nodes: int) -> dict[str, float]:
    command = [sys.executable, __file__, str(run), "--once", str(nodes)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said)
    return found


def once(run: Path, count: int) -> dict[str, float]:
    """CPU milliseconds by part."""
    state = load(run)
    nodes = tuple(state.nodes.values())[:count]
    checks = tuple(c for c in battery.load([]) if c.id in state.info.checks)
    profiles = load_all(sorted({node.profile for node in nodes}), [RunFolder(run).profiles])
    answers = _answers(run, state, {node.name for node in nodes})
    info = RunInfo("replay", "replay", checks=tuple(c.id for c in checks), nodes=len(nodes))
    ctx = Context(profiles, started=state.info.started)
    del state
    gc.freeze()  # as `bringup run` does
    gc.set_threshold(20_000, 20, 20)
    reference = _cpu_ms(_reference)
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder.create(Path(scratch), {"orchestrator": "here"}, "", {})
        marks = [time.process_time()]
        plans = make_plan(checks, nodes, ctx)
        marks.append(time.process_time())
        fleet = LocalFleet(Options(), connect=lambda node, *_: _Replay(node, answers))
        final = Engine(info, nodes, plans, ctx, fleet, folder).run()
        marks.append(time.process_time())
        write_reports(final, folder)
        marks.append(time.process_time())
    plan, engine, reports = (1000 * (b - a) for a, b in itertools.pairwise(marks))
    return {"plan": plan, "engine": engine, "reports": reports, "reference": reference}


def _answers(run: Path, state: RunState, names: set[str]) -> Answers:
    """What each node answered to each command, in the order of the stages."""
    kept = {
        (e.node, e.file, e.offset, e.command): e
        for o in state.outcomes
        for e in o.evidence
        if e.node in names
    }
    found: Answers = {}
    for evidence in sorted(kept.values(), key=lambda e: e.at):
        found.setdefault((evidence.node, evidence.command), []).append((evidence, read_kept(run, evidence)))
    return found


class _Replay:
    """A connection whose node says what it said before."""

    login_s = 0.1

    def __init__(self, node: Node, answers: Answers) -> None:
        self.node, self._answers = node, answers

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        bundle = Bundle(self.node, tuple(commands), lanes)
        said = []
        for command in commands:
            kept = self._answers[self.node.name, command]
            said.append(kept.pop(0) if len(kept) > 1 else kept[0])
        run_bundle(bundle, lambda take: _Stream(take, bundle.token.encode(), said), sink, cancel, 60.0)

    def close(self) -> None:
        """Nothing is open."""


class _Stream:
    """The bytes that the node's script would send, in pieces. See Link for the methods."""

    def __init__(self, take: Take, token: bytes, said: Sequence[Answer]) -> None:
        self._take = take
        text = bytearray(token + b" hello 0\n")
        for index, (e, (out, err)) in enumerate(said):
            status = "-" if e.status is None else str(e.status)
            sizes = f"{len(out)} {len(err)} {len(out)} {len(err)}"
            head = f" answer {index} {e.ended.value} {status} 0 {e.seconds * 100:.0f} {e.as_root:d} {sizes} {e.detail}\n"
            text += token + head.encode() + out + err + token + b"\n"
        text += token + b" end\n"
        self._pieces = [bytes(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE)]

    def send(self, script: bytes) -> None:
        """Nobody reads it."""

    def hear(self, timeout_s: float) -> bool:
        while self._pieces and not self._take(self._pieces.pop(0)):
            pass
        return not self._pieces

    def wake(self) -> None:
        """Nobody waits."""

    def finish(self) -> None:
        """Nothing runs."""

    def why_ended(self) -> str:
        return "all is said"

    def errors(self) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is open."""


def _reference() -> None:
    """A little of everything that a parser does, always the same."""
    pattern, counts = re.compile(r"(\d+) ab"), Counter[str]()
    for number in range(40_000):
        text = f"{number % 977} ab"
        match = pattern.match(text)
        counts[match[1] if match else ""] += len(text.split())


def _cpu_ms(do: Callable[[], None]) -> float:
    began = time.process_time()
    do()
    return 1000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
