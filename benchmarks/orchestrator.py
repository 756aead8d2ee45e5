"""What a node costs the orchestrator: CPU time of `bringup run --level quick` against simulated nodes that another
process serves.

    python benchmarks/orchestrator.py [--nodes 4,32] [--level quick] [--rounds 3]

Prints a Markdown table. CPU is user and system time of the orchestrator's own process (the nodes' programs run in the
other one). "a node more" is the slope between the smallest and the largest cluster, which leaves the start of the
program out; "all in" divides the whole by the nodes. The least of the rounds counts, since other work on the machine
only adds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
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
    parser.add_argument("--nodes", default="4,32", help="cluster sizes (default 4,32)")
    parser.add_argument("--level", default="quick")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sizes = sorted(int(n) for n in options.nodes.split(","))
    best = {n: min(_cpu_s(n, options.level) for _ in range(options.rounds)) for n in sizes}
    print(f"| nodes | CPU of the orchestrator, s | all in, ms a node | level {options.level} |")
    print("| ---: | ---: | ---: | --- |")
    for n, seconds in best.items():
        print(f"| {n} | {seconds:.2f} | {1000 * seconds / n:.0f} | |")
    if len(sizes) > 1:
        low, high = sizes[0], sizes[-1]
        print(f"\na node more: {1000 * (best[high] - best[low]) / (high - low):.1f} ms")


def _cpu_s(nodes: int, level: str) -> float:
    """CPU seconds of one run. Raises RuntimeError if the run does not find the healthy cluster READY."""
    with tempfile.TemporaryDirectory() as folder:
        planned, served = Path(folder, "planned.yaml"), Path(folder, "served.yaml")
        planned.write_text(INVENTORY.format(nodes=nodes), "utf-8")
        command = [sys.executable, "-m", "bringup"]
        mock = subprocess.Popen(
            [*command, "mock", "up", "-i", planned, "--write-inventory", served],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        try:
            while not served.exists():
                if mock.poll() is not None:
                    raise RuntimeError("the simulated cluster did not start")
                time.sleep(0.1)
            run = subprocess.Popen(
                [*command, "run", "-q", "-i", served, "--level", level],
                cwd=folder,
                stdout=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(run.pid, 0)
            if os.waitstatus_to_exitcode(status) != 0:
                raise RuntimeError(f"the run of {nodes} nodes was not READY: {status}")
            return usage.ru_utime + usage.ru_stime
        finally:
            mock.terminate()
            mock.wait()


if __name__ == "__main__":
    main()
