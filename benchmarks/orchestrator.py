"""What a node costs the orchestrator: CPU time of `bringup run --level quick` against simulated nodes that another
process serves.

    python benchmarks/orchestrator.py [--nodes 4,64] [--level quick] [--rounds 5] [--together]

Prints a Markdown table. CPU is user and system time of the orchestrator's own process (the nodes' programs run in the
other one). "a node more" is the slope between the smallest and the largest cluster, which leaves the start of the
program out; "all in" divides the whole by the nodes. The sizes take turns, and the least of the rounds counts, since
other work on the machine only adds: on a machine shared with others one round says little, and their spread is shown.

Nodes are other machines, so their programs get processors of their own: the first half; the orchestrator gets the rest.
With `--together` all share all of them, and their programs, a hundred at a time, push the orchestrator off its processor
and out of its caches.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

INVENTORY = """\
name: benchmark
defaults: {{user: root, profile: hgx-h100}}
nodes:
  - names: gpu-[001-{nodes:03}]
    serial: SIM{{n:05}}
    rails: [mlx5_0, mlx5_3, mlx5_4, mlx5_5, mlx5_6, mlx5_9, mlx5_10, mlx5_11]
simulate: {{shape: hgx-h100, seed: 7, speed: 50}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", default="4,64", help="cluster sizes (default 4,64)")
    parser.add_argument("--level", default="quick")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--together", action="store_true", help="all programs share all processors")
    options = parser.parse_args()
    sizes = sorted(int(n) for n in options.nodes.split(","))
    theirs, ours = _processors(options.together)
    took: dict[int, list[float]] = {n: [] for n in sizes}
    for _ in range(options.rounds):
        for n in sizes:
            took[n].append(_cpu_s(n, options.level, theirs, ours))
    best = {n: min(rounds) for n, rounds in took.items()}
    print(
        f"level {options.level}; processors of the nodes {sorted(theirs)}, of the orchestrator {sorted(ours)}\n"
    )
    print("| nodes | CPU of the orchestrator, s | all in, ms a node | rounds, s |")
    print("| ---: | ---: | ---: | --- |")
    for n, seconds in best.items():
        rounds = " ".join(f"{s:.2f}" for s in sorted(took[n]))
        print(f"| {n} | {seconds:.2f} | {1000 * seconds / n:.0f} | {rounds} |")
    if len(sizes) > 1:
        low, high = sizes[0], sizes[-1]
        print(f"\na node more: {1000 * (best[high] - best[low]) / (high - low):.1f} ms")


def _processors(together: bool) -> tuple[set[int], set[int]]:
    """Those of the nodes' programs, and those of the orchestrator."""
    every = sorted(os.sched_getaffinity(0))
    half = len(every) // 2
    return (set(every), set(every)) if together or not half else (set(every[:half]), set(every[half:]))


def _started(command: Sequence[str | Path], folder: str, processors: set[int]) -> subprocess.Popen[bytes]:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)  # a process that is started inherits them
    try:
        return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, everywhere)


def _cpu_s(nodes: int, level: str, theirs: set[int], ours: set[int]) -> float:
    """CPU seconds of one run. Raises RuntimeError if the run does not find the healthy cluster READY."""
    with tempfile.TemporaryDirectory() as folder:
        planned, served = Path(folder, "planned.yaml"), Path(folder, "served.yaml")
        planned.write_text(INVENTORY.format(nodes=nodes), "utf-8")
        command = [sys.executable, "-m", "bringup"]
        mock = _started([*command, "mock", "up", "-i", planned, "--write-inventory", served], folder, theirs)
        try:
            while not served.exists():
                if mock.poll() is not None:
                    raise RuntimeError("the simulated cluster did not start")
                time.sleep(0.1)
            run = _started([*command, "run", "-q", "-i", served, "--level", level], folder, ours)
            _, status, usage = os.wait4(run.pid, 0)
            if os.waitstatus_to_exitcode(status) != 0:
                raise RuntimeError(f"the run of {nodes} nodes was not READY: {status}")
            return usage.ru_utime + usage.ru_stime
        finally:
            mock.terminate()
            mock.wait()


if __name__ == "__main__":
    main()
