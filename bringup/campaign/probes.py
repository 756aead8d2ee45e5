"""Procedures of scenarios that are more than one plain run: run twice, kill and resume, count connections.

Each gives the end of the run with the sentences that say what is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bringup.campaign.crowd import many_nodes
from bringup.campaign.play import Setup, played, read, run
from bringup.campaign.questions import QUESTIONS
from bringup.campaign.types import Played, Scenario
from bringup.errors import UsageError
from bringup.events import Working
from bringup.inventory import parse
from bringup.journal import read as read_journal
from bringup.model import Stage, Verdict
from bringup.run import RunState, load

Probe = Callable[[Scenario, Setup, Path], Played]
_PATIENCE_S = 120.0


def twice(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """Two runs, one after the other, must end alike: nothing is forgiven because it was seen before."""
    begun = time.monotonic()
    first, _ = run(scenario, setup, folder / "first")
    second, run_folder = run(scenario, setup, folder / "second")
    broken = (
        [] if _verdicts(first) == _verdicts(second) else ["the second run judged otherwise than the first"]
    )
    asked = QUESTIONS.get(scenario.also)
    broken += asked(second, run_folder) if asked is not None else ()
    return played(scenario, second, time.monotonic() - begun, tuple(broken[:5]))


def _verdicts(state: RunState) -> set[tuple[str, str, str]]:
    return {(o.check, o.target, o.verdict.value) for o in state.outcomes}


def killed_and_resumed(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """A run that is killed in the middle ends the same after a resume, and nothing that had passed runs again."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inventory.yaml").write_text(scenario.text, encoding="utf-8")
    base = [sys.executable, "-m", "bringup"]
    chosen = [word for check in setup.checks for word in ("--check", check)]
    process = subprocess.Popen(
        [*base, "run", "-q", "-i", "inventory.yaml", *chosen],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    place = _wait_for(folder / "runs", Stage.RDMA, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = load(place)
    again = subprocess.run(
        [*base, "resume", "-q", "--json", place.name], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=_PATIENCE_S * 4, check=False,
    )  # fmt: skip
    after = load(place)
    broken = [] if before.missing else ["the run was over before it was killed"]
    repeated = [
        f"{o.check} on {o.target}"
        for o in after.outcomes
        if o.attempt > 1 and (old := before.cases.get((o.check, o.target))) and old.verdict is Verdict.PASS
    ]
    broken += [f"had passed and ran again: {', '.join(repeated[:5])}"] if repeated else []
    broken += (
        [] if again.returncode == 1 else [f"resume ended with {again.returncode}: {again.stderr[-300:]}"]
    )
    return played(scenario, after, time.monotonic() - begun, tuple(broken))


def _wait_for(runs: Path, stage: Stage, process: subprocess.Popen[bytes]) -> Path:
    """The run folder once nodes are at work in the stage. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        for journal in runs.glob("*/journal.jsonl"):
            if any(isinstance(e, Working) and e.stage is stage for e in read_journal(journal)):
                return journal.parent
        time.sleep(0.1)
    raise TimeoutError(f"no run reached the stage {stage.value} within {_PATIENCE_S:.0f} s")


def inert_text(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """Python in an inventory or profile is never run, wherever it stands."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    trace = folder / "was-run"
    evil = f"__import__('os').system('touch {trace}')"
    profile = folder / "evil.toml"
    profile.write_text(
        f'name = "evil"\nextends = ["{evil}"]\n[limits."{evil}"]\nop = "{evil}"\nvalue = "{evil}"\nwhy = "x"\n',
        encoding="utf-8",
    )
    inner = json.dumps(evil)
    texts = [
        f"name: {inner}\nnodes: [{{names: {inner}}}]\n",
        f"nodes: [{{names: n-[1-2], rack: {json.dumps('{' + evil + '}')}}}]\n",
        f"nodes: [{{names: n-1, unit: !!python/object/apply:os.system [{inner}]}}]\n",
        f"nodes: [{{names: n-1, tags: [{inner}]}}]\nsimulate: {{shape: {inner}, seed: {inner}}}\n",
        "profiles: .\nnodes: [{names: n-1, profile: evil}]\n",
    ]
    refused = 0
    for text in texts:
        try:
            found = parse(text.encode(), folder / "evil.yaml", known_profiles=["evil"])
            read_profiles(found.profile_dirs)
        except UsageError:
            refused += 1
    broken = ["the text was run"] if trace.exists() else []
    broken += ["none of the texts was refused"] if not refused else []
    return Played(scenario.id, round(time.monotonic() - begun, 1), broken=tuple(broken))


def read_profiles(folders: tuple[Path, ...]) -> None:
    """Load the profile of these folders, for its mistakes."""
    from bringup.profile import load_all

    if folders:
        load_all(["evil"], list(folders))


def connections(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """One connection to a node for the whole run, and work on the first node within a second of the run's start."""
    begun = time.monotonic()
    inventory = read(scenario, setup)
    counted: dict[str, int] = {}
    state, _ = run(
        scenario, setup, folder, connected=lambda node: counted.update({node: counted.get(node, 0) + 1})
    )
    broken = [
        f"{n.name}: {counted.get(n.name, 0)} connections" for n in inventory.nodes if counted.get(n.name) != 1
    ]
    return played(scenario, state, time.monotonic() - begun, tuple(broken[:5]))


PROBES: dict[str, Probe] = {
    p.__name__: p for p in (twice, killed_and_resumed, inert_text, connections, many_nodes)
}
