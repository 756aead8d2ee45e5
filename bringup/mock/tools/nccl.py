"""nccl-tests (all_reduce_perf and its sisters) on one node or, through mpirun, on several."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bringup.mock import physics
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools import mscclpp, nccl_log
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.nccl_text import Plan, Rank, Row, factor, header, report, table

PROGRAMS = ("all_reduce", "all_gather", "alltoall", "broadcast", "reduce", "reduce_scatter", "sendrecv")

_VALUED = (
    "-b",
    "-e",
    "-f",
    "-i",
    "-g",
    "-t",
    "-n",
    "-w",
    "-c",
    "-a",
    "-o",
    "-d",
    "-r",
    "-m",
    "-p",
    "-z",
    "-J",
    "-T",
    "-R",
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,15})([KMGT]?)B?", re.IGNORECASE)
_INIT_S = 2.0
_TCP_GBS = 2.1
_MPI_VALUED = (
    "-np", "-n", "-c", "-N", "-H", "-host", "--host", "--hostfile", "-hostfile", "--machinefile", "-x", "--bind-to",
    "-bind-to", "--map-by", "-map-by", "--wdir", "--prefix", "--rank-by", "--timeout", "--npernode", "-npernode",
)  # fmt: skip
_ORTE = (
    "-" * 74 + "\nORTE was unable to reliably start one or more daemons.\nThis usually is caused by:\n\n"
    "* not finding the required libraries and/or binaries on one or more nodes.\n" + "-" * 74 + "\n"
)
_NO_PROGRAM = (
    "-" * 74 + "\nmpirun was unable to find the specified executable file, and therefore\n"
    "did not launch the job.  This error was first reported for process\n"
    "rank 0; it may have occurred for other processes as well.\n\n"
    "NOTE: A common cause for this error is misspelling a mpirun command\n"
    "      line parameter option (remember that mpirun interprets the first\n"
    "      unrecognized command line token as the executable).\n\n"
    "Node:       {}\nExecutable: {}\n" + "-" * 74 + "\n"
)


@dataclass(frozen=True, slots=True)
class _Job:
    """One collective: its nodes in rank order, how many GPUs of each, and whether NCCL tells what it does."""

    nodes: tuple[SimNode, ...]
    gpus_per_node: int
    per_process: int
    hcas: tuple[str, ...]
    tells: bool = False
    split: int = 0
    """NCCL_TESTS_SPLIT=MOD n: so many collectives, each of every n-th rank. 0: one."""
    mnnvl: bool = True


def _groups(value: str) -> int:
    """Of the ways to split a job only MOD is simulated."""
    word, _, number = value.partition(" ")
    return int(number) if word == "MOD" and number.isdigit() else 0


async def perf(call: Call) -> Reply:
    """A test program started directly: one process on one node."""
    options = Options(call.args, _VALUED)
    gpus = options.whole("-g", "--ngpus", default=1) * options.whole("-t", "--nthreads", default=1)
    tells = call.variable("NCCL_DEBUG") == "INFO"
    job = _Job((call.node,), gpus, gpus, nccl_log.allowed(call.variable("NCCL_IB_HCA")), tells)
    return await _run(call, job, call.tool, call.args)


async def mpirun(call: Call) -> Reply:
    """mpirun -np N -H host:slots,… PROGRAM …: the collective over the GPUs of several nodes."""
    own, program = _split(call.args)
    if not program:
        return Reply(
            1,
            stderr="-" * 74 + "\nNo executable was specified on the mpirun command line.\n" + "-" * 74 + "\n",
        )
    options, variables = _mpi_options(own)
    hosts = _hosts(options.get("-H", "-host", "--host"), call.node.name)
    nodes: list[SimNode] = []
    for host in hosts:
        node = call.cluster.find(host)
        if node is None:
            return Reply(
                1, stderr=f"ssh: Could not resolve hostname {host}: Name or service not known\n{_ORTE}"
            )
        if node.peers_refused and node is not call.node:
            return Reply(1, stderr=f"Permission denied (publickey).\r\n{_ORTE}")
        if not call.cluster.reachable(node):
            return Reply(1, stderr=f"ssh: connect to host {host} port 22: Connection refused\n{_ORTE}")
        nodes.append(node)
    name = Path(program[0]).name
    ranks = options.whole("-np", "-n", "-c", default=sum(hosts.values()))
    if name == "hostname":
        return Reply(
            stdout="".join(f"{n.hostname}\n" for n in nodes for _ in range(max(1, ranks // len(nodes))))
        )
    if name.removesuffix("_perf") not in PROGRAMS and name not in mscclpp.PROGRAMS:
        return Reply(134, stderr=_NO_PROGRAM.format(call.node.hostname, program[0]))
    for node, host in zip(nodes, hosts, strict=True):
        if name in node.missing:
            called = node.hostname if node is call.node else host
            return Reply(134, stderr=_NO_PROGRAM.format(called, program[0]))
    if name in mscclpp.PROGRAMS:
        return await mscclpp.run(call, nodes, ranks // len(nodes), name, program[1:])
    per_process = Options(program[1:], _VALUED).whole("-g", "--ngpus", default=1)
    hcas = nccl_log.allowed(variables.get("NCCL_IB_HCA", call.variable("NCCL_IB_HCA")))
    tells = variables.get("NCCL_DEBUG", call.variable("NCCL_DEBUG")) == "INFO"
    split = _groups(variables.get("NCCL_TESTS_SPLIT", call.variable("NCCL_TESTS_SPLIT")))
    mnnvl = variables.get("NCCL_MNNVL_ENABLE", call.variable("NCCL_MNNVL_ENABLE")) != "0"
    job = _Job(tuple(nodes), ranks * per_process // len(nodes), per_process, hcas, tells, split, mnnvl)
    return await _run(call, job, name, tuple(program[1:]))


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """mpirun's own words and the program with its words."""
    rest = list(args)
    own: list[str] = []
    while rest and rest[0].startswith("-"):
        count = 3 if rest[0] in ("--mca", "-mca") else 2 if rest[0] in _MPI_VALUED else 1
        own += rest[:count]
        del rest[:count]
    return own, rest


def _mpi_options(own: Sequence[str]) -> tuple[Options, dict[str, str]]:
    words: list[str] = []
    variables: dict[str, str] = {}
    rest = list(own)
    while rest:
        word = rest.pop(0)
        if word == "-x" and rest:
            name, _, value = rest.pop(0).partition("=")
            variables[name] = value
        elif word in ("--mca", "-mca"):
            del rest[:2]
        else:
            words.append(word)
    return Options(words, _MPI_VALUED), variables


def _hosts(text: str, here: str) -> dict[str, int]:
    """Hosts and their slots, in order; this node where none are named."""
    hosts: dict[str, int] = {}
    for part in text.split(",") if text else [here]:
        host, _, slots = part.partition(":")
        hosts[host] = hosts.get(host, 0) + (int(slots) if slots.isdigit() else 1)
    return hosts


# ---------------------------------------------------------------------------------------------- the test


async def _run(call: Call, job: _Job, name: str, args: tuple[str, ...]) -> Reply:
    plan = _plan(name, args, job.per_process)
    if isinstance(plan, Reply):
        return plan
    began = time.time()
    pids = call.cluster.random("pid", name, *(n.name for n in job.nodes))
    await call.cluster.pause(_INIT_S)
    for node in job.nodes:
        broken = _cuda_trouble(node, job.gpus_per_node)
        if broken:
            return _failed(node.hostname, broken, 2, pids.randrange(10_000, 99_999), "")
    ranks = [
        Rank(node.hostname, i, gpu.bdf, gpu.name, pids.randrange(10_000, 4_000_000))
        for node in job.nodes
        for i, gpu in enumerate(node.visible_gpus[: job.gpus_per_node])
    ]
    rccl = rccl_lines(job.nodes[0]) if job.nodes[0].shape.gpu_vendor == "amd" else ()
    top = header(plan, ranks, rccl, job.split)
    if job.tells:
        table_at = top.rfind("\n#\n") + 1
        top = top[:table_at] + nccl_log.lines(job.nodes, ranks, job.hcas) + top[table_at:]
    if any(name in node.hanging for node in job.nodes):
        return Reply(stdout=top, hangs=True)
    refusing = physics.refusing(job.nodes, job.hcas)
    if refusing is not None:
        other = next(n for n in job.nodes if n is not refusing)
        text = "Test NCCL failure common.cu:1279 'remote process exited or there was a network error / '"
        return _failed(other.hostname, text, 3, ranks[0].pid, top)
    rows = _rows(call, job, plan)
    await call.cluster.pause(sum(sum(r.times_us) for r in rows) * (plan.iterations + plan.warmup) / 1e6)
    _count_traffic(call, job, plan)
    for node in job.nodes:
        call.cluster.worked(node)
    text = top + table(plan, len(ranks) // (job.split or 1), rows)
    file = Options(args, _VALUED).get("-J")
    if file.endswith(".json"):
        Path(call.cwd / file).write_text(report(plan, ranks, rows, began), encoding="utf-8")
        text = f"# Writing JSON output to {file}\n{text}"
    wrong = plan.check and any(row.wrong for row in rows)
    return Reply(
        1 if wrong else 0,
        text + (f" .. {ranks[0].host} pid {ranks[0].pid}: Test failure common.cu:1127\n" if wrong else ""),
    )


def _failed(host: str, text: str, status: int, pid: int, before: str) -> Reply:
    """A failure as the tests report it: the host that prints is the one that noticed, not the one to blame."""
    trail = "".join(f" .. {host} pid {pid}: Test failure common.cu:{line}\n" for line in (1005, 891))
    return Reply(status, f"{before}{host}: {text}\n{trail}")


def rccl_lines(node: SimNode) -> tuple[str, ...]:
    """What rccl-tests and RCCL say of themselves, in lines without a mark."""
    rocm = node.shape.cuda
    return (
        "rccl-tests: Version develop:6405c76",
        "RCCL version : 2.27.7-HEAD:29e1567",
        f"HIP version  : {rocm}.51831-a3e329ad8",
        f"ROCm version : {rocm}.0-42-9428210",
        f"Hostname     : {node.hostname}",
        f"Librccl path : /opt/rocm-{rocm}/lib/librccl.so.1",
    )


def _cuda_trouble(node: SimNode, gpus: int) -> str:
    """Why CUDA does not start on this node; empty if it does."""
    if not node.driver_loaded:
        return (
            "Test HIP failure common.cpp:1071 'no ROCm-capable device is detected'"
            if node.shape.gpu_vendor == "amd"
            else "Test CUDA failure common.cu:1071 'CUDA driver version is insufficient for CUDA runtime version'"
        )
    fabric = [(g.fabric_state, g.fabric_status) for g in node.visible_gpus if g.kind.fabric_reported]
    if any(states != ("Completed", "Success") for states in fabric):
        return "Test CUDA failure common.cu:1071 'system not yet initialized'"
    if len(node.visible_gpus) < gpus:
        return "Test CUDA failure common.cu:1071 'invalid device ordinal'"
    return ""


def _plan(name: str, args: tuple[str, ...], per_process: int) -> Plan | Reply:
    options = Options(args, _VALUED)
    low = _bytes(options.get("-b", "--minbytes", default="32M"))
    high = _bytes(options.get("-e", "--maxbytes", default="32M"))
    if low is None or high is None or low > high:
        return Reply(1, stderr=f"invalid size specified for {'minbytes' if low is None else 'maxbytes'}\n")
    multiply = options.whole("-f", "--stepfactor", default=1)
    add = _bytes(options.get("-i", "--stepbytes", default="1M")) or 1 << 20
    sizes = [low]
    while (following := sizes[-1] * multiply if multiply > 1 else sizes[-1] + add) <= high and len(
        sizes
    ) < 64:
        sizes.append(following)
    return Plan(
        name=name,
        collective=name.removesuffix("_perf"),
        args=args,
        gpus_per_process=per_process,
        sizes=tuple(sizes),
        step=f"{multiply}(factor)" if multiply > 1 else f"{add}(bytes)",
        warmup=options.whole("-w", "--warmup_iters", default=1),
        iterations=options.whole("-n", "--iters", default=20),
        check=options.get("-c", "--check", default="1") != "0",
    )


def _bytes(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2].upper()] if match else None


def _rows(call: Call, job: _Job, plan: Plan) -> list[Row]:
    rng = call.cluster.random(plan.name, *(n.name for n in job.nodes), job.gpus_per_node)
    if job.split:
        busbw = physics.rail_busbw_gbs(plan.collective, job.nodes, job.hcas, rng, call.cluster.fabric)
    else:
        busbw = physics.busbw_gbs(
            plan.collective, job.nodes, job.gpus_per_node, job.hcas, rng, call.cluster.fabric, mnnvl=job.mnnvl
        )
    if busbw == 0 and len(job.nodes) > 1:
        busbw = _TCP_GBS  # no usable port: NCCL falls back to TCP and says nothing
    ranks = len(job.nodes) * job.gpus_per_node // (job.split or 1)
    share = max(factor(plan.collective, ranks), 1e-9)
    wrong = sum(g.wrong_results for n in job.nodes for g in n.visible_gpus[: job.gpus_per_node])
    rows: list[Row] = []
    for size in plan.sizes:
        algbw = physics.at_size(max(busbw, 1e-3), size) / share if ranks > 1 else 1300.0
        us = size / algbw / 1000
        rows.append(Row(size, (us * physics.noise(rng), us * physics.noise(rng)), wrong))
    return rows


def _count_traffic(call: Call, job: _Job, plan: Plan) -> None:
    """What crossed the fabric shows in the ports' counters."""
    if len(job.nodes) == 1:
        return
    data = sum(plan.sizes) * 2 * (plan.iterations + plan.warmup)
    for node in job.nodes:
        ports = [h for h in node.fabric_hcas if h.active and (not job.hcas or h.name in job.hcas)]
        for hca in ports:
            call.cluster.moved(node, hca, data // len(ports), data // len(ports))
