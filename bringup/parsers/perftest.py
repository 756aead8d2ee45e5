"""perftest (`ib_write_bw`, `ib_write_lat` and their kin): how it is called, and its text tables.

Units: MB and MiB of perftest are both 2^20 bytes, Gb is 10^9 bits. In duration mode the peak is always 0, and
only the average counts. A row with zero iterations comes with exit status 0 when the cable was cut: ask
`perftest_failure` before trusting a row.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import is_number, number, quoted, whole

BANDWIDTH_BYTES = 1 << 20
LATENCY_BYTES = 8
LATENCY_ITERATIONS = 1000
CLIENT_SLACK_S = 30.0
SERVER_SLACK_S = 60.0
"""The server starts first and waits for its client, so it may last longer."""

NO_GID = "no RoCE v2 address"

# RoCE needs the index of an address (GID), which differs from node to node: take a RoCE v2 one that is an
# IPv4 address on an interface of this device; else any IPv4 one; else any RoCE v2 one.
_CHOOSE_GID = """hca={hca}
dev="$ROOT"/sys/class/infiniband/"$hca"
gid=
if [ "$(cat "$dev/ports/1/link_layer" 2>/dev/null)" = Ethernet ]; then
  own= ip4= any=
  for index in $(grep -lsx 'RoCE v2' /dev/null "$dev"/ports/1/gid_attrs/types/* | sed 's|.*/||'); do
    address=$(cat "$dev/ports/1/gids/$index" 2>/dev/null)
    netdev=$(cat "$dev/ports/1/gid_attrs/ndevs/$index" 2>/dev/null)
    case $address in
      ''|0000:0000:0000:0000:0000:0000:0000:0000) continue ;;
    esac
    : "${{any:=$index}}"
    case $address in
      0000:0000:0000:0000:0000:ffff:*) : "${{ip4:=$index}}" ;;
      *) continue ;;
    esac
    if [ -n "$netdev" ] && [ -e "$dev/device/net/$netdev" ]; then : "${{own:=$index}}"; fi
  done
  gid=${{own:-${{ip4:-$any}}}}
  if [ -z "$gid" ]; then echo "{no_gid} on $hca" >&2; exit 1; fi
fi
"""


def choose_gid(hca: str) -> str:
    """Shell that sets `hca`, and `gid` where the port needs one; it ends where a RoCE port has none."""
    return _CHOOSE_GID.format(hca=shlex.quote(hca), no_gid=NO_GID)


def latency(tool: str, hca: str, port: int, peer: str = "") -> Command:
    """One side of a latency test with small messages (`ib_write_lat`, `ib_send_lat`).

    With a `peer` the measuring side; without one the waiting side, which listens on TCP `port`.
    """
    return _command(tool, hca, port, _latency(), 1, peer)


def bandwidth(tool: str, hca: str, port: int, seconds: int, peer: str = "") -> Command:
    """One side of a bandwidth test of `seconds` with large messages (`ib_write_bw`, `ib_read_bw`).

    With a `peer` the measuring side, whose last table row is the result; without one the waiting side, which listens on
    TCP `port`.
    """
    return _command(tool, hca, port, bandwidth_options(seconds), seconds, peer)


def bandwidth_options(seconds: int) -> str:
    """A bandwidth test with large messages."""
    return f"-s {BANDWIDTH_BYTES} -q 2 -D {seconds} -F --report_gbits"


def _latency() -> str:
    return f"-s {LATENCY_BYTES} -n {LATENCY_ITERATIONS} -F"


def _command(tool: str, hca: str, port: int, options: str, seconds: int, peer: str = "") -> Command:
    call = f'{tool} -d "$hca" -i 1 -p {port:d} {options} ${{gid:+-x "$gid"}}'
    if peer:
        call += f" {shlex.quote(peer)}"
    return Command(
        choose_gid(hca) + call + "\n",
        timeout_s=seconds + (CLIENT_SLACK_S if peer else SERVER_SLACK_S),
        needs=(tool,),
        listens=None if peer else port,
        estimate_s=seconds + 2.0,
    )


# ----------------------------------------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """One row of a bandwidth table, `unit` as printed. With -b the average is the sum of both directions."""

    message_bytes: int
    iterations: int
    peak: float
    average: float
    unit: str
    message_rate_mpps: float | None

    @property
    def average_gbps(self) -> float:
        return gbps(self.average, self.unit)


@dataclass(frozen=True, slots=True)
class Latency:
    """One row of a latency table. None: not printed (old versions: no average; duration mode: only that)."""

    message_bytes: int
    iterations: int
    avg_us: float | None = None
    min_us: float | None = None
    max_us: float | None = None
    typical_us: float | None = None
    stdev_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None

    @property
    def middle_us(self) -> float:
        """The median, which perftest calls typical; the average where it prints no median."""
        middle = self.avg_us if self.typical_us is None else self.typical_us
        if middle is None:
            raise ParseError("perftest: the latency row has neither a median nor an average")
        return middle


def gbps(value: float, unit: str) -> float:
    """A bandwidth in Gb/s (10^9 bits) from perftest's own units."""
    if unit == "Gb/sec":
        return value
    if unit in ("MB/sec", "MiB/sec"):
        return value * 8 * 2**20 / 1e9
    raise ParseError(f"perftest: unit {quoted(unit)} is not known")


_COLUMN = re.compile(r"#\w+|tps average|[^\s\[\]#][^\[\]#]{0,40}?\[[^\[\]]{1,16}\]", re.ASCII)
_GLUED_TEXT = re.compile(r"(?<=[0-9])[A-Z][a-z].*", re.ASCII)
_TWO_DECIMALS = re.compile(r"[0-9]{1,15}\.[0-9]{2}", re.ASCII)


def bandwidths(text: str) -> tuple[Bandwidth, ...]:
    """The rows of all bandwidth tables in order. Raises ParseError where there is no table or no row."""
    return tuple(_bandwidth_row(columns, values) for columns, values in _rows(text, "BW average"))


def latencies(text: str) -> tuple[Latency, ...]:
    """The rows of all latency tables in order. Raises ParseError where there is no table or no row."""
    return tuple(_latency_row(columns, values) for columns, values in _rows(text, "t_avg", "t_typical"))


def _rows(text: str, *wanted: str) -> Iterator[tuple[list[str], list[str]]]:
    """Column names and words of each row below a header that has one of the wanted columns."""
    columns: list[str] = []
    headers = rows = 0
    for line in text.splitlines():
        if "#bytes" in line and "#iterations" in line:
            names = [c.group() for c in _COLUMN.finditer(line)]
            known = names[:1] == ["#bytes"] and "#iterations" in names
            columns = names if known and any(name.startswith(wanted) for name in names) else []
            headers += bool(columns)
            continue
        words = _GLUED_TEXT.sub("", line).split()
        if columns and len(words) > 2 and _digital(words[0]) and _digital(words[1]):
            rows += 1
            yield columns, _split(words, columns)
    if not headers:
        raise ParseError(f"perftest: no table with {wanted[0]} in {quoted(text)}")
    if not rows:
        raise ParseError(f"perftest: the table with {wanted[0]} has no row")


def _digital(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _split(words: list[str], columns: Sequence[str]) -> list[str]:
    """The words of a row, one for each column. Numbers that touch come apart where each has two decimals."""
    if len(words) < len(columns):
        apart = [part for word in words[2:] for part in (_TWO_DECIMALS.findall(word) or [word])]
        if len(words) + len(apart) - len(words[2:]) == len(columns) and "".join(apart) == "".join(words[2:]):
            words = words[:2] + apart
    if len(words) != len(columns) or not all(map(is_number, words)):
        raise ParseError(
            f"perftest: the row {quoted(' '.join(words))} does not fit its {len(columns)} columns"
        )
    return words


def _column(columns: Sequence[str], values: Sequence[str], start: str) -> tuple[str, str] | None:
    """Unit and value of the column whose name starts so."""
    for name, value in zip(columns, values, strict=True):
        if name.startswith(start):
            return name.partition("[")[2].rstrip("]"), value
    return None


def _bandwidth_row(columns: Sequence[str], values: Sequence[str]) -> Bandwidth:
    peak, average = _column(columns, values, "BW peak"), _column(columns, values, "BW average")
    rate = _column(columns, values, "MsgRate[")
    if peak is None or average is None:
        raise ParseError(f"perftest: no bandwidth in the columns {quoted(' '.join(columns))}")
    gbps(0.0, average[0])  # an unknown unit must surface here
    return Bandwidth(
        message_bytes=whole(values[0], "perftest #bytes"),
        iterations=whole(values[columns.index("#iterations")], "perftest #iterations"),
        peak=number(peak[1], "perftest BW peak"),
        average=number(average[1], "perftest BW average"),
        unit=average[0],
        message_rate_mpps=number(rate[1], "perftest MsgRate") if rate else None,
    )


def _latency_row(columns: Sequence[str], values: Sequence[str]) -> Latency:
    def column(start: str) -> float | None:
        found = _column(columns, values, start)
        if found is not None and found[0] != "usec":
            raise ParseError(f"perftest: {start} in {quoted(found[0])}, needed usec")
        return number(found[1], f"perftest {start}") if found else None

    return Latency(
        message_bytes=whole(values[0], "perftest #bytes"),
        iterations=whole(values[columns.index("#iterations")], "perftest #iterations"),
        avg_us=column("t_avg"),
        min_us=column("t_min"),
        max_us=column("t_max"),
        typical_us=column("t_typical"),
        stdev_us=column("t_stdev"),
        p99_us=column("99% percentile"),
        p999_us=column("99.9% percentile"),
    )
