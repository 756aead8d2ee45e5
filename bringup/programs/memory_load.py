"""Copies memory on all processors of a node at once, and prints how fast. Needs nothing but Python.

    python3 - bringup-memory-load --seconds 3 < memory_load.py

One process on each processor copies between two buffers of its own, which is what the C library's memcpy does. Counted
as STREAM counts a copy: every byte read and every byte written. Once a second a copy is compared with what was copied.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

VERSION = 2
MIB = 1 << 20
SHARE = 8
"""Of the free memory this part is used at most."""
PATTERN = b"\x00\xff\xaa\x55"
COMPARE_S = 1.0


def free_bytes() -> int:
    for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    raise RuntimeError("/proc/meminfo does not tell how much memory is free")


def copy(cpu: int, size: int, begin: float, seconds: float) -> tuple[float, int]:
    """Bytes read and written in a second by this processor, beginning together with the others, and wrong copies."""
    os.sched_setaffinity(0, {cpu})
    a, b = bytearray(size), bytearray(PATTERN) * (size // len(PATTERN))
    a[:] = b
    while time.time() < begin:
        time.sleep(0.001)
    until = time.perf_counter() + seconds
    copied, spent, wrong = 0, 0.0, 0
    while copied == 0 or time.perf_counter() < until:
        started = now = time.perf_counter()
        while copied == 0 or now - started < min(COMPARE_S, seconds):
            a[:] = b
            copied += 2 * size
            now = time.perf_counter()
        spent += now - started
        wrong += a != b
    return copied / spent, wrong


def child(cpu: int, size: int, begin: float, seconds: float) -> tuple[int, int]:
    """A process for one processor: its number, and where it says its result."""
    ear, voice = os.pipe()
    pid = os.fork()
    if pid:
        os.close(voice)
        return pid, ear
    with contextlib.suppress(BaseException):
        speed, wrong = copy(cpu, size, begin, seconds)
        os.write(voice, f"{speed!r} {wrong}".encode())
    os._exit(0)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bringup-memory-load", description="Copies memory on all processors."
    )
    parser.add_argument("name", choices=["bringup-memory-load"], help="what this program is called")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--buffer-mib", type=int, default=64, help="each of the two buffers of a processor")
    given = parser.parse_args(words)
    if not 0 < given.seconds <= 600 or not 1 <= given.buffer_mib <= 4096:
        parser.error("seconds up to 600, buffer-mib 1 to 4096")
    cpus = sorted(os.sched_getaffinity(0))
    size = (
        min(given.buffer_mib * MIB, free_bytes() // SHARE // (2 * len(cpus))) // len(PATTERN) * len(PATTERN)
    )
    begin = time.time() + 0.2 + 0.01 * len(cpus)
    children = [child(cpu, size, begin, given.seconds) for cpu in cpus]
    signal.alarm(int(given.seconds) + 60)  # a process that never answers must not hold this up for ever
    said = [os.read(ear, 64) for _, ear in children]
    for pid, _ in children:
        os.waitpid(pid, 0)
    print(
        json.dumps(
            {
                "bringup_memory_load": VERSION,
                "processors": len(cpus),
                "silent": said.count(b""),
                "copy_gbs": sum(float(text.split()[0]) for text in said if text) / 1e9,
                "wrong": sum(int(text.split()[1]) for text in said if text),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
