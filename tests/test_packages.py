"""Where a missing program comes from."""

from __future__ import annotations

import contextlib

from bringup.errors import NoLimit, ToolMissing
from bringup.packages import named
from bringup.profile import available, load

ON_EVERY_MACHINE = {"awk", "grep", "sed"}


def test_programs_are_told_with_their_packages() -> None:
    assert named(["ib_write_bw", "/opt/rccl/all_reduce_perf", "site-tool"]) == (
        "ib_write_bw (package perftest), /opt/rccl/all_reduce_perf (NVIDIA/nccl-tests or ROCm/rccl-tests, built from"
        " source), site-tool"
    )


def test_every_program_that_a_stock_profile_requires_has_a_source() -> None:
    required: set[str] = set()
    for name in available():
        with contextlib.suppress(NoLimit):  # profiles that others are made of require nothing
            tools = load(name).fact("tools.required")
            assert isinstance(tools, list | tuple)
            required |= {str(tool) for tool in tools}
    assert {"chronyc", "ib_write_bw", "nvidia-smi", "amd-smi"} <= required
    assert [tool for tool in sorted(required - ON_EVERY_MACHINE) if named([tool]) == tool] == []


def test_another_way_is_told_behind_it() -> None:
    missing = ToolMissing(("nvbandwidth",), at="gpu-001", instead="a container may hold it")
    assert (missing.reason, missing.code, missing.at) == (
        "not installed on the node (or not in PATH): nvbandwidth (NVIDIA/nvbandwidth, built from source);"
        " a container may hold it",
        "TOOL-MISSING",
        "gpu-001",
    )
