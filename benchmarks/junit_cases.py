"""What JUnit costs: peak memory and time of writing the files of a run with many cases, a share of them failed.

    python benchmarks/junit_cases.py [--cases 100000] [--failed 0.02] [--memory-mb 600] [--seconds 30]

The run is made in a process of its own first and read from its journal by the one that is measured, so that only what
`bringup report -f junit` needs is counted: reading, folding, writing, reading back. Exits 1 above the bounds. CPU seconds
count, not the clock: other work on the machine only adds to that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

MADE = """
import sys
from pathlib import Path
from bringup import events as ev
from bringup.journal import Journal
from bringup.model import Finding, Limit, Measurement, Node, Outcome, RunInfo, RunVerdict, Stage, Verdict

folder, cases, share = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
nodes = max(1, cases // 100)
limit = Limit("invented", ">=", 380.0, "Gb/s", "invented", "invented.toml:1")
journal = Journal(folder / "journal.jsonl")
checks = [f"link.invented-{i:02}" for i in range(100)]
journal.write(ev.RunStarted(info=RunInfo("1", "many", checks=tuple(checks), nodes=nodes, stages=(Stage.LINK,), started=1.0)))
names = [f"gpu-{i:05}" for i in range(nodes)]
for name in names:
    journal.write(ev.NodeListed(node=Node(name)))
every = round(1 / share) if share else 0
count = 0
for check in checks:
    journal.write(ev.Planned(stage=Stage.LINK, check=check, targets=names))
    for name in names:
        count += 1
        bad = every and count % every == 0
        value = 187.4 if bad else 391.0
        said = tuple(Measurement(f"lane {i}", value, "Gb/s", f"{name}/hca/mlx5_{i}/port/1", limit) for i in range(8))
        told = (Finding("LINK-RATE", "x" * 200 + "\\x1b[31m<&>", name),) if bad else ()
        verdict = Verdict.FAIL if bad else Verdict.PASS
        journal.write(ev.Judged(outcome=Outcome(
            check, Stage.LINK, name, (name,), verdict, at=(name,), measurements=said, findings=told, seconds=0.5, ended=2.0)))
journal.write(ev.StageEnded(stage=Stage.LINK))
journal.write(ev.RunEnded(verdict=RunVerdict.NOT_READY if every else RunVerdict.READY))
journal.close()
"""
MEASURED = """
import resource
import sys
from pathlib import Path
from bringup.report import junit
from bringup.run import load
written = junit.write(load(Path(sys.argv[1])), Path(sys.argv[1]) / "junit")
used = resource.getrusage(resource.RUSAGE_SELF)
print(len(written), sum(p.stat().st_size for p in written), used.ru_maxrss // 1024, used.ru_utime + used.ru_stime)
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--failed", type=float, default=0.02, help="share of failed cases (default 0.02)")
    parser.add_argument("--memory-mb", type=float, default=600.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-c", MADE, folder, str(options.cases), str(options.failed)], check=True
        )
        journal = Path(folder, "journal.jsonl").stat().st_size
        measured = subprocess.Popen(
            [sys.executable, "-c", MEASURED, folder], stdout=subprocess.PIPE, text=True
        )
        said, _ = measured.communicate()
        if measured.returncode:
            return 1
    files, size, peak, cpu = (float(word) for word in said.split())
    print("| cases | journal, MB | files | JUnit, MB | peak memory, MB | CPU, s |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    print(
        f"| {options.cases:,} | {journal / 1e6:.0f} | {files:.0f} | {size / 1e6:.0f} | {peak:.0f} | {cpu:.1f} |"
    )
    return int(peak > options.memory_mb or cpu > options.seconds)


if __name__ == "__main__":
    raise SystemExit(main())
