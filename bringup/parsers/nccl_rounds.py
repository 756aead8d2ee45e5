"""all_reduce over the GPUs of one node again and again: how it is called. Its text is that of nccl-tests, many times."""

from __future__ import annotations

import shlex

from bringup.commands import Command

_START_S = 300.0
_ROUND_S, _MOST_S = 30.0, 120.0
"""What a round takes: 500 times 8 GiB at 450 GB/s, and the start. And what it may take before it counts as hanging."""


def rounds(binary: str, gpus: int, count: int) -> Command:
    """8 GiB, 500 times in each round, with a check of the results; the first round that fails is the last one."""
    each = f"{shlex.quote(binary)} -b 8G -e 8G -g {gpus:d} -n 500 -w 5 -c 1"
    return Command(
        f"n=0\nwhile [ $n -lt {count:d} ]; do\n  {each} || exit $?\n  n=$((n + 1))\ndone\n",
        timeout_s=_START_S + _MOST_S * count,
        max_bytes=8 << 20,
        needs=(binary,),
        alone=True,
        estimate_s=_ROUND_S * count,
    )
