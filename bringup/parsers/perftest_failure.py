"""Why a perftest ended without a result: its own sentences, sorted by what somebody can do about them.

Its exit status alone proves nothing: a cable cut during a timed run leaves status 0 and a row of zeros.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bringup.commands import Ended, Output
from bringup.errors import ParseError
from bringup.parsers.perftest import NO_GID, Bandwidth, bandwidths, latencies


class Cause(StrEnum):
    """What stands between the two ends, in words for people. An earlier one explains a later one at the other end."""

    PORT_DOWN = "the port is down"
    NO_DEVICE = "the device is not there"
    NO_ADDRESS = "the port has no RoCE v2 address"
    MEMORY = "memory cannot be registered (often the locked-memory limit)"
    RESOURCES = "RDMA resources cannot be created"
    LISTEN = "the server's TCP port is taken"
    VERSIONS = "the two ends run perftest versions that do not fit"
    RETRY = "no answer over the fabric (retries exceeded)"
    QUEUE_PAIR = "the queue pair cannot be connected (path, GID or MTU)"
    COMPLETION = "a transfer ended with an error"
    NO_DATA = "no data moved"
    CONNECT = "the server cannot be reached over TCP"
    EXCHANGE = "the two ends could not exchange their parameters"
    OTHER = "perftest failed"

    @property
    def fabric(self) -> bool:
        """Whether it speaks against port, cable or switch. The others are set-up, software or limits."""
        return self in (Cause.PORT_DOWN, Cause.QUEUE_PAIR, Cause.RETRY, Cause.NO_DATA)

    @property
    def at_port(self) -> bool:
        """Whether it lies with the port of the end that says so."""
        return self in (Cause.PORT_DOWN, Cause.NO_DEVICE, Cause.NO_ADDRESS)

    @property
    def at_node(self) -> bool:
        """Whether it lies with the node of the end that says so, whatever the port."""
        return self in (Cause.MEMORY, Cause.RESOURCES, Cause.LISTEN)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result, with the line that says so."""

    cause: Cause
    said: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.said}" if self.said else str(self.cause)


_RETRY_EXCEEDED = 12
_RNR_RETRY_EXCEEDED = 13
_FLUSHED = 5
_STATUS = re.compile(r"Failed status[^(\d\n]*\(?(?P<status>\d{1,3})\)?", re.ASCII)

_SENTENCES: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(sentence, re.ASCII))
    for cause, sentence in (
        (Cause.PORT_DOWN, r"Port number \d+ state is (?!Active)\w+"),
        (
            Cause.NO_DEVICE,
            r"IB device \S+ not found|Unable to find the Infiniband/RoCE device|Did not detect devices",
        ),
        (Cause.NO_ADDRESS, re.escape(NO_GID)),
        (Cause.MEMORY, r"Couldn't allocate MR|[Ff]ailed to create [Mm][Rr]\b|Couldn't register"),
        (Cause.QUEUE_PAIR, r"Failed to modify QP|Unable to Connect the HCA's through the link"),
        (Cause.LISTEN, r"Couldn't listen to port|Address already in use"),
        (
            Cause.CONNECT,
            r"Couldn't connect to|Unable to init the socket connection|rdma_resolve_addr failed",
        ),
        (Cause.VERSIONS, r"not compatible with versions older|versions? (?:mismatch|do not match)"),
        (
            Cause.EXCHANGE,
            r"Failed to exchange data|Couldn't read remote address|Unable to (?:read|write) (?:to|from) socket",
        ),
        (Cause.RESOURCES, r"Couldn't (?:create|allocate)|Failed to create|Unable to create"),
        (Cause.PORT_DOWN, r"Couldn't set the link layer"),
        (Cause.NO_DEVICE, r"Couldn't get context for the device"),
    )
)


def failure(text: str, status: int | None) -> Failure | None:
    """Why this end has no result; None where it ended with status 0 and a row of data that moved.

    `text` is what it printed on both streams.
    """
    moved = _moved(text)
    if status == 0 and moved:
        return None
    completion = _completion(text)
    if completion is not None:
        return completion
    for cause, sentence in _SENTENCES:
        found = next((line.strip() for line in text.splitlines() if sentence.search(line)), None)
        if found is not None:
            return Failure(cause, found[:200])
    if status == 0 and moved is False:
        return Failure(Cause.NO_DATA, "the result has zero iterations")
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip(" -*")), "")
    return Failure(Cause.OTHER, f"status {status}, {last[:200] or 'no text'}")


def pair_failure(server: Output, client: Output | None) -> tuple[str, Failure] | None:
    """The node and the reason that explain why a pair has no result; None where the client has one.

    A server that was ended because its client was done, or that still waited, has no reason of its own.
    """
    ends = [end for end in (client, server) if end is not None and end.ended is Ended.EXITED]
    reasons = [(end.node, reason) for end in ends if (reason := failure(_said(end), end.status)) is not None]
    if client is not None and client.ended is Ended.EXITED and failure(_said(client), client.status) is None:
        return None
    order = list(Cause)
    return min(reasons, key=lambda found: order.index(found[1].cause), default=None)


def _said(output: Output) -> str:
    return f"{output.text}\n{output.error_text}"


def _completion(text: str) -> Failure | None:
    """The completion that failed first; a flushed one is only the consequence of another."""
    found = [(int(m["status"]), line.strip()) for line in text.splitlines() if (m := _STATUS.search(line))]
    for status, line in sorted(found, key=lambda item: item[0] == _FLUSHED):
        retry = status in (_RETRY_EXCEEDED, _RNR_RETRY_EXCEEDED)
        return Failure(Cause.RETRY if retry else Cause.COMPLETION, line[:200])
    return None


def _moved(text: str) -> bool | None:
    """Whether the last row tells of data that moved; None without a row."""
    for reader in (bandwidths, latencies):
        try:
            last = reader(text)[-1]
        except ParseError:
            continue  # not a table of this kind
        return last.iterations > 0 and not (isinstance(last, Bandwidth) and last.average == 0)
    return None
