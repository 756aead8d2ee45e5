"""Hydra, the launcher of MPICH and MVAPICH, without any login between nodes: bringup starts its proxies itself.

With `-launcher manual` mpiexec.hydra starts nothing. It listens on all addresses, prints one line for each node on
standard output, `HYDRA_LAUNCH: PATH/hydra_pmi_proxy --control-port HOST:PORT ... --proxy-id K`, then
`HYDRA_LAUNCH_END`, and waits for these proxies without an end. Tried with MPICH 3.4.3, 4.0.2, 4.3.2 and 5.0.2:

- MPIEXEC_PORT_RANGE=P:P settles the port, so everything that a proxy must be told is known before anything starts.
  What the first node prints is therefore only read here, and never part of a command for another node.
- A proxy takes --pmi-port and --gpus-per-proc since 3.4, --gpu-subdevs-per-proc since 4.1; left out, 4.0.2 takes the
  other way to its ranks, over the host's name. It is asked by a call without --control-port: the complaint is then
  about the lack of a server's name, unless a flag before it is not known (3.4.3 then ends with a segmentation fault).
- A proxy that is refused tries again without a pause (--retries), and one whose packets are dropped waits for minutes.
- mpiexec.hydra hands its whole environment and its working folder to all ranks; with -genvnone and -wdir every rank has
  those of its proxy. Each rank is the leader of a session of its own.
- A proxy that is killed is not noticed by mpiexec.hydra, and its ranks go on: the end of the script finds them.
- SIGTERM does not end a mpiexec.hydra whose proxies have not all come; SIGKILL does, and the proxies that came end
  their ranks and themselves when its connection closes.
- When a rank ends badly all are killed, and a box names its host, as in the list of hosts, with its status or signal.

Intel MPI's mpiexec.hydra (2021.19) knows no manual launcher and says so.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.mpirun import NoProgram
from bringup.parsers.reading import quoted

MPIEXEC = "mpiexec.hydra"
CONNECT_S = 30
"""How long a proxy may take to get through to the first node."""
JOIN_S = 45
"""How long the first node waits for all of them: by then each has said itself why it cannot."""
GONE_S = 10
"""How long mpiexec.hydra may go on when a proxy has left: it does not notice one that was killed."""
_AFTER_S = 30.0
"""Proxies outlive mpiexec's own time by this, so that their end is not taken for a hang."""
_PROXY_BYTES = 1 << 16
_FIXED = "--rmk user --launcher manual --demux poll --pgid 0 --retries 10 --usize -2"

_SHELL = """\
more=
for flag in '--pmi-port 0' '--gpus-per-proc -2' '--gpu-subdevs-per-proc -2'; do
{proxy} $more $flag 2>&1 | grep -q 'server name not available' && more="$more $flag"
done
seen() {{ cat "$ROOT/proc/net/tcp" "$ROOT/proc/net/tcp6" 2>/dev/null | grep -c "$1"; }}
runs() {{ kill -0 $job 2>/dev/null; }}
proxy() {{ exec {proxy} --control-port {where} {fixed} $more --proxy-id $1; }}
"""
_FIRST = """\
printf '%s\\n' {hosts} >hosts
MPIEXEC_PORT_RANGE={port:d}:{port:d} {mpiexec} -launcher manual -rmk user -localhost {host} -f hosts -ppn {each:d}\
 -n {ranks:d} -wdir / -genvnone{env} {program} &
job=$!
while runs && [ "$(seen ':{hex} [0-9A-F]*:[0-9A-F]* 0A ')" = 0 ]; do sleep 0.2 || sleep 1; done
runs && proxy 0 &
n=0 most={join:d} told='came within {join:d} s'
while runs; do
here=$(seen ': [0-9A-F]*:{hex} [0-9A-F]*:[0-9A-F]* 01 ')
if [ "$here" -ge {nodes:d} ]; then
n=0 most={gone:d} told='are left'
elif [ $((n += 1)) -gt $most ]; then
echo "bringup: $here of {nodes:d} proxies $told" >&2
kill -KILL $job
fi
sleep 1
done
wait $job
"""
_OTHER = """\
proxy {number:d} &
job=$! n=0
while runs && [ "$(seen ': [0-9A-F]*:[0-9A-F]* [0-9A-F]*:{hex} 01 ')" = 0 ]; do
if [ $((n += 1)) -gt {connect:d} ]; then
echo "bringup: no connection to "{where}" within {connect:d} s" >&2
kill -KILL $job
fi
sleep 1
done
wait $job
"""


def job(
    mpiexec: str, hosts: Sequence[str], each: int, port: int, env: Sequence[str], program: Sequence[str],
    *, timeout_s: float, max_bytes: int, estimate_s: float,
) -> tuple[Command, ...]:  # fmt: skip
    """One command for each host, in their order, to be run at the same time: `each` ranks of the program on all of them.

    mpiexec.hydra runs on the first host and listens on the port; `env` are settings NAME=VALUE for all ranks. The proxy
    is the one beside mpiexec.hydra on its own node.
    """
    proxy = str(PurePosixPath(mpiexec).with_name("hydra_pmi_proxy"))
    hexa = f"{port:04X}"
    where = shlex.quote(f"{hosts[0]}:{port:d}")
    shell = _SHELL.format(proxy=shlex.quote(proxy), where=where, fixed=_FIXED)
    settings = "".join(f" -genv {shlex.join(setting.split('=', 1))}" for setting in env)
    first = _FIRST.format(
        hosts=shlex.join(hosts), port=port, mpiexec=shlex.quote(mpiexec), host=shlex.quote(hosts[0]), each=each,
        ranks=each * len(hosts), env=settings, program=shlex.join(program), hex=hexa, nodes=len(hosts), join=JOIN_S,
        gone=GONE_S,
    )  # fmt: skip
    others = [_OTHER.format(number=n, hex=hexa, where=where, connect=CONNECT_S) for n in range(1, len(hosts))]
    lasts = timeout_s + JOIN_S
    return (
        Command(
            shell + first, timeout_s=lasts, max_bytes=max_bytes, needs=(mpiexec, proxy, program[0]), alone=True,
            listens=port, estimate_s=estimate_s,
        ),
        *(
            Command(
                shell + other, timeout_s=lasts + _AFTER_S, max_bytes=_PROXY_BYTES, needs=(proxy, program[0]),
                alone=True, estimate_s=estimate_s,
            )
            for other in others
        ),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- what they say


@dataclass(frozen=True, slots=True)
class Launch:
    """A proxy that mpiexec.hydra waits for, and where."""

    host: str
    port: int
    proxy: int


@dataclass(frozen=True, slots=True)
class BadEnd:
    """The rank that made Hydra end the job, by the host as mpiexec.hydra was given it.

    `at` is where these words begin in the text; `by_term` says that it was told to end (SIGTERM).
    """

    host: str
    how: str
    at: int = field(default=0, compare=False)
    by_term: bool = field(default=False, compare=False)


_LAUNCH = "HYDRA_LAUNCH:"
_END = "HYDRA_LAUNCH_END"
_PLACE = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,255}):(?P<port>\d{1,5})", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9._:/-]{1,255}", re.ASCII)
_FLAGS = {
    "--control-port": _PLACE,
    "--proxy-id": re.compile(r"\d{1,6}", re.ASCII),
    **dict.fromkeys(("--rmk", "--launcher", "--demux", "--iface", "--topolib"), _WORD),
    **dict.fromkeys(("--pgid", "--retries", "--usize", "--pmi-port"), _WHOLE),
    **dict.fromkeys(("--gpus-per-proc", "--gpu-subdevs-per-proc", "--singleton-port", "--singleton-pid"), _WHOLE),
}  # fmt: skip

_COMPLAINT = re.compile(r"^\[mpiexec@\S{1,255}\] (?:\w{1,80} \([^()\n]{1,300}\): )?(?P<said>.{1,300})$", re.M)
_PROXY_COMPLAINT = re.compile(
    r"^\[proxy:(?:\d{1,6}:){0,2}(?P<proxy>\d{1,6})@\S{1,255}\] \w{1,80} \([^()\n]{1,300}\): (?P<said>.{1,1300})$",
    re.M | re.ASCII,
)
_NO_PROGRAM = re.compile(r"execvp error on file (?P<program>.{1,1000}) \(No such file or directory\)")
_UNREACHED = re.compile(
    r"unable to connect from \"[^\"\n]{0,255}\" to \"[^\"\n]{0,255}\" \((?P<why>[^()\n]{1,100})\)"
    r"|(?P<name>unable to get host address for \S{1,255})"
    r"|^bringup: (?P<late>no connection to \S{1,300} within \d{1,4} s)$",
    re.M,
)
_LACKING = re.compile(
    r"^bringup: (?P<said>\d{1,6} of \d{1,6} proxies (?:came within \d{1,4} s|are left))$", re.M
)
_BAD_END = re.compile(
    r"^=   (?:PID \d{1,10}|RANK \d{1,10} PID \d{1,10}) RUNNING AT (?P<host>\S{1,255})[ \t]*\n"
    r"=   (?:EXIT CODE: (?P<code>\d{1,9})|KILLED BY SIGNAL: (?P<signal>.{1,80}))[ \t]*$",
    re.M,
)
_KILLED = re.compile(r"^YOUR APPLICATION TERMINATED WITH THE EXIT STRING: (?P<how>.{1,80})$", re.M)


def parse(text: str) -> tuple[Launch, ...]:
    """The proxies that mpiexec.hydra waits for, in its order; empty where it did not come so far.

    Raises ParseError for a line in which anything is not known: another launcher than those that were tried.
    """
    found: list[Launch] = []
    for line in text.split("\n"):
        if line.startswith(_LAUNCH):
            found.append(_launch(line.removeprefix(_LAUNCH)))
        elif line.rstrip() == _END:
            return tuple(found)
    return ()


def _launch(text: str) -> Launch:
    """One line behind its mark. Raises ParseError."""
    program, *words = text.split() or [""]
    if PurePosixPath(program).name != "hydra_pmi_proxy" or len(words) % 2:
        raise ParseError(f"mpiexec.hydra: {quoted(text)} does not start a hydra_pmi_proxy")
    given: dict[str, str] = {}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        known = _FLAGS.get(flag)
        if known is None or flag in given:
            raise ParseError(
                f"mpiexec.hydra: the flag {quoted(flag)} of a proxy is not known (or comes twice)"
            )
        if not known.fullmatch(value):
            raise ParseError(f"mpiexec.hydra: {flag} {quoted(value)} of a proxy is not known")
        given[flag] = value
    place = _PLACE.fullmatch(given.get("--control-port", ""))
    if place is None or not 0 < int(place["port"]) < 1 << 16 or "--proxy-id" not in given:
        raise ParseError(f"mpiexec.hydra: {quoted(text)} names no port and number of a proxy")
    return Launch(place["host"], int(place["port"]), int(given["--proxy-id"]))


def complaint(text: str) -> str:
    """The first complaint of mpiexec.hydra itself; empty where it has none."""
    found = _COMPLAINT.search(text)
    return found["said"].strip() if found else ""


def no_program(text: str) -> tuple[int, NoProgram] | None:
    """The number of the first proxy that did not find the program; its node is not named."""
    for said in _PROXY_COMPLAINT.finditer(text):
        if found := _NO_PROGRAM.fullmatch(said["said"].strip()):
            return int(said["proxy"]), NoProgram("", found["program"])
    return None


def unreached(text: str) -> str:
    """Why a proxy did not reach the first node, in its words; empty if it says no such thing."""
    found = _UNREACHED.search(text)
    return (found["why"] or found["name"] or found["late"]) if found else ""


def lacking(text: str) -> str:
    """How many proxies the first node had when it gave up; empty if it did not."""
    found = _LACKING.search(text)
    return found["said"] if found else ""


def bad_end(text: str) -> BadEnd | None:
    """Which rank ended the job."""
    found = _BAD_END.search(text)
    if found is None:
        return None
    killed = _KILLED.search(text, found.end())
    how = found["signal"] or (killed["how"] if killed else "")
    begin = text.rfind("\n=====", 0, found.start()) + 1  # the frame around the words
    by_term = "(signal 15)" in how or (not how and found["code"] == "15")
    return BadEnd(
        found["host"], f"killed: {how}" if how else f"ended with status {found['code']}", begin, by_term
    )


def without_lines(text: str) -> str:
    """The text without what only tells how proxies are started."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("HYDRA_LAUNCH"))
