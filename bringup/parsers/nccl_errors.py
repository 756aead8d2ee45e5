"""What NCCL and RCCL complain about in the log of a collective: which host, which peer, and the first cause.

A failure lines up consequences: the ranks that survive print most, flushed work requests (status 5) follow the one
that broke, and "remote process exited" only says that the other node failed first. So nobody is to blame for
printing. A log may hold anything else; none of these lines means that NCCL did not complain, not that it worked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

STATUS_NAMES = {
    1: "LOC_LEN_ERR", 2: "LOC_QP_OP_ERR", 4: "LOC_PROT_ERR", 5: "WR_FLUSH_ERR", 6: "MW_BIND_ERR", 7: "BAD_RESP_ERR",
    8: "LOC_ACCESS_ERR", 9: "REM_INV_REQ_ERR", 10: "REM_ACCESS_ERR", 11: "REM_OP_ERR", 12: "RETRY_EXC_ERR",
    13: "RNR_RETRY_EXC_ERR", 21: "GENERAL_ERR",
}  # fmt: skip
"""Completion codes of the verbs interface. 12: no answer came, so the path is broken (cable, switch, address, MTU)."""

FLUSHED = 5

_TAG = re.compile(r"^\[\d{1,6},\d{1,6}\]<std(?:out|err)>:\s?", re.ASCII)
_WARN = re.compile(r"(?P<prefix>.{0,400}?)NCCL WARN (?P<text>.*)", re.DOTALL)
_WHO = re.compile(
    r"(?P<host>[A-Za-z0-9][\w.-]{0,254}):(?P<pid>\d{1,10}):\d{1,10} \[(?P<gpu>\d{1,3})\]", re.ASCII
)
_PLACE = re.compile(r"(?P<place>[\w./-]{1,120}\.(?:cc|cu|cpp|c|h):\d{1,6})", re.ASCII)
_FUNCTION = re.compile(r"\((?P<name>\w{1,80})\)\s*$", re.ASCII)
_COMPLETION = re.compile(r"Got completion (?:from peer (?P<peer>[^\s<]{1,255}))?")
_STATUS = re.compile(r"(?:status=(?:\w{1,40}\()?|with (?:error|status) )(?P<status>\d{1,3})\b", re.ASCII)
_FIELDS = {
    "opcode": re.compile(r"opcode[= ](?P<v>[\w()]{1,40})", re.ASCII),
    "vendor": re.compile(r"vendor[ _]err[= ](?P<v>\d{1,10})", re.ASCII),
    "kind": re.compile(r"(?:\(|req_type=)(?P<v>Send|Recv)\b"),
    "local": re.compile(r"localGid\s*(?P<v>[0-9a-fA-F:.]{2,45})"),
    "remote": re.compile(r"remoteGids?\s*(?P<v>[0-9a-fA-F:.]{2,45})"),
    "hca": re.compile(r"\bhca (?P<v>[\w.+-]{1,64})", re.ASCII),
}
_CONSEQUENCE = re.compile(
    r"remote process exited|connection closed by|connection reset by|broken pipe|socketProgress|abort",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Completion:
    """A work request of a network card that failed. None: this version does not print it.

    `host` is who printed it and `peer` the address at the other end. `vendor_error` 129 goes with status 12.
    """

    status: int
    host: str | None = None
    peer: str | None = None
    hca: str | None = None
    local_gid: str | None = None
    remote_gid: str | None = None
    vendor_error: int | None = None
    kind: str | None = None
    opcode: str | None = None

    @property
    def name(self) -> str:
        return STATUS_NAMES.get(self.status, f"status {self.status}")

    @property
    def consequence(self) -> bool:
        return self.status == FLUSHED


@dataclass(frozen=True, slots=True)
class Complaint:
    """A line with NCCL WARN. None: this version's prefix does not say. `place` is the source file and line."""

    text: str
    host: str | None = None
    pid: int | None = None
    gpu: int | None = None
    place: str | None = None
    function: str | None = None

    @property
    def consequence(self) -> bool:
        return _CONSEQUENCE.search(self.text) is not None


Record = Completion | Complaint


def parse(text: str) -> tuple[Record, ...]:
    """The complaints of a log in their order; a record may be wrapped over lines that begin with blanks."""
    return tuple(complaint for record in _records(text) if (complaint := _complaint(record)) is not None)


def first_cause(complaints: Iterable[Record]) -> Record | None:
    """The complaint to act on: the first that is no consequence of another, a failed completion before words."""
    causes = [c for c in complaints if not c.consequence]
    completions = [c for c in causes if isinstance(c, Completion)]
    return next(iter(completions or causes), None)


def _records(text: str) -> Iterator[str]:
    record = ""
    for raw in text.splitlines():
        line = _TAG.sub("", raw)
        if line[:1].isspace() and line.strip() and record:
            record = f"{record} {line.strip()}"[:4000]
            continue
        if record:
            yield record
        record = line.strip()[:4000]
    if record:
        yield record


def _complaint(record: str) -> Record | None:
    warn = _WARN.fullmatch(record)
    who = _WHO.search(warn["prefix"] if warn else record)
    host = who["host"] if who else None
    completion, status = _COMPLETION.search(record), _STATUS.search(record)
    if completion and status:
        own = {name: match["v"] for name, pattern in _FIELDS.items() if (match := pattern.search(record))}
        return Completion(
            status=int(status["status"]),
            host=host,
            peer=completion["peer"],
            hca=own.get("hca"),
            local_gid=own.get("local"),
            remote_gid=own.get("remote"),
            vendor_error=int(own["vendor"]) if "vendor" in own else None,
            kind=own.get("kind"),
            opcode=own.get("opcode"),
        )
    if warn is None:
        return None
    place, function = _PLACE.search(warn["prefix"]), _FUNCTION.search(warn["prefix"].rstrip())
    return Complaint(
        text=warn["text"].strip()[:500],
        host=host,
        pid=int(who["pid"]) if who else None,
        gpu=int(who["gpu"]) if who else None,
        place=place["place"] if place else None,
        function=function["name"] if function else None,
    )
