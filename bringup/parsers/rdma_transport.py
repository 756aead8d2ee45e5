"""What the transport of RDMA adapters counts: packets that had to be sent again, acknowledgements that came too late.

The kernel shows these counters beside those of the link. Which exist depends on driver and link layer; one that is not
there is not reported, which is something else than zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.rdma_sysfs import NO_DEVICES
from bringup.parsers.reading import quoted, whole
from bringup.parsers.remembered import remembered

NAMES = (
    "packet_seq_err",
    "out_of_sequence",
    "local_ack_timeout_err",
    "rnr_nak_retry_err",
    "roce_adp_retrans",
)

COUNTERS = Command(
    f"""base="$ROOT"/sys/class/infiniband
found=
for dev in "$base"/*; do
  [ -e "$dev" ] && found=yes && break
done
if [ -z "$found" ]; then
  echo "{NO_DEVICES}: /sys/class/infiniband is empty or absent"
  exit 0
fi
for name in {" ".join(NAMES)}; do
  grep -s . /dev/null "$base"/*/ports/1/hw_counters/"$name"
done
echo end:counters
""",
    timeout_s=30.0,
)
"""Each file is read once: some drivers log a complaint at every reading."""

_LINE = re.compile(r"/.{0,200}/infiniband/([\w.-]{1,64})/ports/1/hw_counters/(\w{1,40}):(.*)", re.ASCII)


@remembered
def parse(text: str) -> Mapping[str, Mapping[str, int]]:
    """The counters of each device's first port. Raises ParseError if the answer is cut off or not understood."""
    found: dict[str, dict[str, int]] = {}
    lines = text.splitlines()
    if lines and lines[0].startswith(NO_DEVICES):
        return found
    if not lines or lines[-1] != "end:counters":
        raise ParseError(f"RDMA transport: the answer {quoted(text)} is cut off")
    for line in lines[:-1]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"RDMA transport: {quoted(line)} is no counter")
        found.setdefault(match[1], {})[match[2]] = whole(match[3].strip(), f"{match[1]} {match[2]}")
    return found
