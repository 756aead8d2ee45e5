"""nccl-tests and rccl-tests: how `all_reduce_perf` is called, and its text in every layout since 2.0.

A log is a result only with its closing lines: a header with ranks and nothing more is a hang. The closing average
mixes messages of 8 bytes with those of 8 GiB, so bandwidth is judged at the largest size. Failures are printed by the
rank that survived, so the printer's name says nothing about who is to blame.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import hydra
from bringup.parsers.reading import number, quoted, whole

NODE_TIMEOUT_S = 300.0
PAIR_TIMEOUT_S = 300.0
SRUN_WAIT_S = 60
"""How long srun may wait for the nodes: a choice; somebody else's job on them is told, and not waited for."""
_CHECKED = "-n 20 -w 5 -c 1"
_TALKS = ("NCCL_DEBUG=INFO", "NCCL_DEBUG_SUBSYS=INIT,NET")
"""Only its own log tells which way NCCL takes (see nccl_transport)."""
_LOG_BYTES = 8 << 20


def all_reduce(binary: str, gpus: int) -> Command:
    """all_reduce over the GPUs of one node, 1 GiB to 8 GiB, with a check of the results."""
    return Command(
        f"{' '.join(_TALKS)} {shlex.quote(binary)} -b 1G -e 8G -f 2 -g {gpus:d} {_CHECKED}\n",
        timeout_s=NODE_TIMEOUT_S,
        max_bytes=_LOG_BYTES,
        needs=(binary,),
        alone=True,
        estimate_s=30.0,
    )


def per_rail(gpus: int) -> tuple[str, ...]:
    """The environment in which every GPU of a node works only with those of the same number on the other nodes.

    The job is split into as many collectives as a node has GPUs, which run at the same time, and NVLink carries nothing,
    neither inside a node nor between those of a domain.
    """
    return (f"NCCL_TESTS_SPLIT=MOD {gpus:d}", "NCCL_MNNVL_ENABLE=0")


def all_reduce_pair(
    mpirun: str, binary: str, hosts: Sequence[str], gpus: int, hcas: Sequence[str] = (), env: Sequence[str] = ()
) -> Command:  # fmt: skip
    """all_reduce of 8 GiB over all GPUs of these hosts, one rank for each GPU, started from the first host.

    `hcas` are the fabric ports to use; NCCL takes exactly these (a leading = means exact names). `env` are further words
    of the environment.
    """
    where = ",".join(f"{host}:{gpus:d}" for host in hosts)
    use = f" -x NCCL_IB_HCA={shlex.quote('=' + ','.join(hcas))}" if hcas else ""
    use += "".join(f" -x {_setting(word)}" for word in env)
    return Command(
        f"{shlex.quote(mpirun)} -np {len(hosts) * gpus:d} -H {shlex.quote(where)} --map-by ppr:{gpus:d}:node"
        f" --bind-to none --allow-run-as-root{''.join(f' -x {word}' for word in _TALKS)}{use}"
        f" {shlex.quote(binary)} {_whole(env)}\n",
        timeout_s=PAIR_TIMEOUT_S,
        max_bytes=_LOG_BYTES,
        needs=(mpirun, binary),
        alone=True,
        estimate_s=45.0,
    )


def all_reduce_srun(
    srun: str, binary: str, where: str, nodes: int, gpus: int, hcas: Sequence[str] = (), env: Sequence[str] = ()
) -> Command:  # fmt: skip
    """The same job started by Slurm on these nodes, `where` as Slurm writes them: `gpu-[001-004]`.

    Inside an allocation (SLURM_JOB_ID in the environment) it is a step of it, beside others; else srun asks for one and
    gives up if it is not granted soon. What else a site's Slurm wants (SLURM_PARTITION, SLURM_ACCOUNT, SLURM_MPI_TYPE,
    SLURM_GPUS_PER_NODE) is environment, too.
    """
    use = f" NCCL_IB_HCA={shlex.quote('=' + ','.join(hcas))}" if hcas else ""
    use += "".join(f" {_setting(word)}" for word in env)
    return Command(
        f"{' '.join(_TALKS)}{use} {shlex.quote(srun)} --nodes={nodes:d} --ntasks={nodes * gpus:d}"
        f" --ntasks-per-node={gpus:d} --nodelist={shlex.quote(where)} --kill-on-bad-exit=1 --overlap"
        f" --immediate={SRUN_WAIT_S:d} {shlex.quote(binary)} {_whole(env)}\n",
        timeout_s=PAIR_TIMEOUT_S + SRUN_WAIT_S,
        max_bytes=_LOG_BYTES,
        needs=(srun, binary),
        alone=True,
        estimate_s=50.0,
    )


def all_reduce_hydra(
    mpiexec: str, binary: str, hosts: Sequence[str], gpus: int, port: int, hcas: Sequence[str] = (),
    env: Sequence[str] = (),
) -> tuple[Command, ...]:  # fmt: skip
    """The same job under Hydra, one command for each host: see `hydra.job`."""
    use = [f"NCCL_IB_HCA={'=' + ','.join(hcas)}"] if hcas else []
    program = (binary, *_whole(env).split())
    return hydra.job(
        mpiexec, hosts, gpus, port, (*_TALKS, *use, *env), program, timeout_s=PAIR_TIMEOUT_S, max_bytes=_LOG_BYTES,
        estimate_s=50.0,
    )  # fmt: skip


def _setting(word: str) -> str:
    name, _, value = word.partition("=")
    return f"{name}={shlex.quote(value)}"


def _whole(env: Sequence[str]) -> str:
    """The options of a job; of collectives beside each other the slowest one counts."""
    slowest = " -a 3" if any(word.startswith("NCCL_TESTS_SPLIT=") for word in env) else ""
    return f"-b 8G -e 8G -g 1 {_CHECKED}{slowest}"


# -------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class Half:
    """Out-of-place or in-place figures of one size, in GB/s (10^9 bytes).

    `wrong` counts wrong elements; None where the results were not checked, or in the oldest layout, whose column
    `error` is a rounding difference and no count.
    """

    time_us: float
    algbw_gbs: float
    busbw_gbs: float
    wrong: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One message size. `redop` and `root` are None where the collective has none or prints a blank."""

    size_bytes: int
    count: int
    type: str
    redop: str | None
    root: int | None
    out_of_place: Half
    in_place: Half


@dataclass(frozen=True, slots=True)
class Rank:
    """One rank and its GPU. `bus` is as printed, from `0x07` to `0000:05:00.0`. `group` is None in layouts without it."""

    rank: int
    pid: int
    host: str
    device: int
    bus: str
    gpu: str
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Collective:
    """One collective of a log. `concluded` only with its closing lines; `cut` if a row is incomplete.

    `failures` are the lines in which the test or the library complains; a test that concluded may hold warnings.
    """

    name: str | None = None
    ranks: tuple[Rank, ...] = ()
    rows: tuple[Row, ...] = ()
    failures: tuple[str, ...] = ()
    out_of_bounds: int | None = None
    average_busbw_gbs: float | None = None
    average_failed: bool = False
    concluded: bool = False
    cut: bool = False

    @property
    def largest(self) -> Row:
        """The row of the largest message. Raises ParseError where there is no row."""
        if not self.rows:
            raise ParseError(f"{self.name or 'collective test'} printed no row")
        return max(self.rows, key=lambda row: row.size_bytes)

    @property
    def peak_busbw_gbs(self) -> float:
        """The best bus bandwidth of any size. Raises ParseError where there is no row."""
        self.largest  # noqa: B018  raises without rows
        return max(half.busbw_gbs for row in self.rows for half in (row.out_of_place, row.in_place))

    @property
    def wrong(self) -> int | None:
        """Wrong elements over all sizes; None where no row was checked."""
        counts = [h.wrong for r in self.rows for h in (r.out_of_place, r.in_place) if h.wrong is not None]
        return sum(counts) if counts else None


# ------------------------------------------------------------------------------------------------- parser

_MPI_TAG = re.compile(r"\[[^\[\]]{0,80}\d+,\d+\]<std(?:out|err)>: ?", re.ASCII)
_START = re.compile(r"Collective test starting: (?P<name>\S{1,80})", re.ASCII)
_SETTINGS = re.compile(r"nThread \d+ nGpus \d+ minBytes \d+", re.ASCII)
_RANK = re.compile(
    r"Rank\s+(?P<rank>\d{1,6})\s+(?:Group\s+(?P<group>\d{1,6})\s+)?Pid\s+(?P<pid>\d{1,10})\s+on\s+(?P<host>\S{1,255})"
    r"\s+device\s+(?P<device>\d{1,4})\s+\[(?P<bus>[0-9a-fA-Fx:.]{1,20})\]\s*(?P<gpu>.*)",
    re.ASCII,
)
_BOUNDS = re.compile(r"Out of bounds values\s*:\s*(?P<count>\d{1,12})\s*(?P<word>OK|FAILED)", re.ASCII)
_AVERAGE = re.compile(r"Avg bus bandwidth\s*:\s*(?P<value>\S+)\s*(?P<word>OK|FAILED)?", re.ASCII)
_FAILURE = re.compile(
    r"Test (?:NCCL |CUDA )?failure|NCCL WARN|Invalid number of GPUs|system not yet initialized|unhandled \w+ error",
    re.ASCII,
)
_SUM = ("time", "cputime")


@dataclass(slots=True)
class _Open:
    """A test while its lines come in."""

    name: str | None = None
    settings: bool = False
    columns: tuple[str, ...] = ()
    ranks: list[Rank] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    out_of_bounds: int | None = None
    average: float | None = None
    average_failed: bool = False
    cut: bool = False

    @property
    def ended(self) -> bool:
        return self.out_of_bounds is not None or self.average is not None

    def close(self) -> Collective:
        return Collective(
            name=self.name,
            ranks=tuple(self.ranks),
            rows=tuple(self.rows),
            failures=tuple(self.failures),
            out_of_bounds=self.out_of_bounds,
            average_busbw_gbs=self.average,
            average_failed=self.average_failed,
            concluded=bool(self.rows) and self.out_of_bounds is not None and self.average is not None,
            cut=self.cut,
        )


def parse(text: str) -> tuple[Collective, ...]:
    """The collectives of a log in their order; one with failure lines only where it failed before any began.

    Raises ParseError for a log in which no test began and nothing known failed.
    """
    tests: list[_Open] = []
    early: list[str] = []
    for raw in text.splitlines():
        line = _MPI_TAG.sub("", raw, count=1).strip().lstrip("#").strip()
        if line:
            _take(tests, early, line)
    if not tests and not early:
        raise ParseError(f"nccl-tests: no test began in {quoted(text)}")
    if not tests:
        tests.append(_Open())
    tests[0].failures[:0] = early
    return tuple(test.close() for test in tests)


def _take(tests: list[_Open], early: list[str], line: str) -> None:
    """Sort one line, without its leading #, into the test that it belongs to."""

    def current(fresh: bool) -> _Open:
        if fresh or not tests:
            tests.append(_Open())
        return tests[-1]

    last = tests[-1] if tests else None
    if start := _START.match(line):
        current(last is not None).name = start["name"]
    elif _SETTINGS.match(line):
        current(last is not None and (last.settings or bool(last.columns))).settings = True
    elif rank := _RANK.match(line):
        current(last is not None and bool(last.columns)).ranks.append(_rank(rank))
    elif (columns := tuple(line.split()))[:3] == ("size", "count", "type") and "busbw" in columns:
        test = current(last is not None and (last.ended or bool(last.rows)))
        test.columns = tuple(c.lstrip("#") for c in columns)
    elif bounds := _BOUNDS.match(line):
        current(False).out_of_bounds = int(bounds["count"])
    elif average := _AVERAGE.match(line):
        test = current(False)
        test.average = number(average["value"], "nccl-tests average")
        test.average_failed = average["word"] == "FAILED"
    elif _FAILURE.search(line):
        (last.failures if last is not None else early).append(line[:300])
    elif last is not None and last.columns:
        _take_row(last, line)


def _rank(match: re.Match[str]) -> Rank:
    return Rank(
        rank=int(match["rank"]),
        pid=int(match["pid"]),
        host=match["host"],
        device=int(match["device"]),
        bus=match["bus"],
        gpu=match["gpu"].strip(),
        group=int(match["group"]) if match["group"] else None,
    )


def _take_row(test: _Open, line: str) -> None:
    """Add a row of figures; other lines (log lines of the library) pass. An incomplete row marks the test cut."""
    words = line.split()
    if len(words) < 3 or not all(w.isascii() and w.isdigit() for w in words[:2]) or not words[2][0].isalpha():
        return
    optional = [c for c in test.columns if c in ("redop", "root")]
    figures = [c for c in test.columns[3:] if c not in optional]
    width = len(figures) + figures.count("timestamp")  # a timestamp is two words
    given = len(words) - 3 - width
    if given < 0:
        test.cut = True
        return
    if given > len(optional):
        raise ParseError(f"nccl-tests: the row {quoted(line)} does not fit its header")
    extra, values = words[3 : 3 + given], words[3 + given :]
    redop, root = _operation(extra, optional, line)
    starts = [i for i, name in enumerate(figures) if name in _SUM]
    if len(starts) != 2:
        raise ParseError(f"nccl-tests: the header of the row {quoted(line)} is not known")
    halves = [_half(figures[i : i + 4], values[i : i + 4], line) for i in starts]
    size, count = whole(words[0], "nccl-tests size"), whole(words[1], "nccl-tests count")
    test.rows.append(Row(size, count, words[2], redop, root, *halves))


def _operation(extra: Sequence[str], optional: Sequence[str], line: str) -> tuple[str | None, int | None]:
    """Reduction and root of a row: either may be blank where its header has both columns."""
    redop: str | None = None
    root: int | None = None
    for word in extra:
        if re.fullmatch(r"-?[0-9]{1,6}", word) and "root" in optional and root is None:
            root = int(word)
        elif "redop" in optional and redop is None and root is None:
            redop = word
        else:
            raise ParseError(f"nccl-tests: the row {quoted(line)} does not fit its header")
    return (None if redop == "none" else redop), (None if root == -1 else root)


def _half(names: Sequence[str], values: Sequence[str], line: str) -> Half:
    """Four figures: time, algbw, busbw and the check's column."""
    if tuple(names[1:3]) != ("algbw", "busbw") or len(values) != 4 or names[3] not in ("wrong", "error"):
        raise ParseError(f"nccl-tests: the header of the row {quoted(line)} is not known")
    time_us, algbw, busbw = (number(v, f"nccl-tests {n}") for n, v in zip(names[:3], values[:3], strict=True))
    counted = names[3] == "wrong" and values[3] != "N/A"
    return Half(time_us, algbw, busbw, _wrong(values[3]) if counted else None)


def _wrong(text: str) -> int:
    """A count that large values print with an exponent."""
    value = number(text, "nccl-tests #wrong")
    if value < 0 or (value != int(value)):
        raise ParseError(f"nccl-tests #wrong: {quoted(text)} is not a count")
    return int(value) if "e" in text.lower() else whole(text, "nccl-tests #wrong")
