"""What the vendors' tools measured, by one name, from their captured outputs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bringup.errors import CannotJudge, ParseError
from bringup.parsers import gpu_bandwidth
from bringup.parsers.inside import Section, Sections


def sections(name: str, text: str, status: int | None = 0) -> Sections:
    return Sections((Section("list", "", 0), Section(name, text, status)), ())


def test_one_gpu_on_its_own(read: Callable[[str], str]) -> None:
    for file in ("nvbandwidth/02-json-full.json", "nvbandwidth/03-json-with-garbage-before-and-after.txt"):
        unknown = (
            '"testcases" :\n\t\t[ {"name": "device_local_copy", "status": "ERROR"},'  # 0.5 does not have it
        )
        text = read(file).replace('"testcases" :\n\t\t[', unknown, 1)
        found = gpu_bandwidth.read(sections("nvbandwidth", text))
        assert found is not None
        assert (found.tool, found.memory, found.peers) == ("nvbandwidth", None, None)
        assert found.to_gpu == {0: 12.3964} and found.from_gpu == {0: 13.2001}


def nvbandwidth(**statuses: str) -> str:
    """invented: a report of two GPUs in the form of the captured ones."""
    tests = {
        "host_to_device_memcpy_ce": ("memcpy CE CPU(row) -> GPU(column)", [["55.4", "55.3"]]),
        "device_to_host_memcpy_ce": ("memcpy CE CPU(row) <- GPU(column)", [["55.1", "55.2"]]),
        "device_to_device_memcpy_write_ce": (
            "memcpy CE GPU(row) <- GPU(column)",
            [["N/A", "390"], ["200", "N/A"]],
        ),
        "device_local_copy": ("memcpy local GPU(column)", [["1519.07", "1518.93"]]),
    }
    rows: list[dict[str, object]] = []
    for name, (title, matrix) in tests.items():
        row: dict[str, object] = {"name": name, "status": statuses.get(name, "Passed")}
        if row["status"] == "Passed":
            row |= {
                "bandwidth_description": f"{title} bandwidth (GB/s)",
                "bandwidth_matrix": matrix,
                "sum": 1.0,
            }
        rows.append(row)
    return json.dumps({"nvbandwidth": {"version": "v0.8", "testcases": rows}}, indent=1)


def test_two_gpus_with_all_that_the_tool_measures() -> None:
    found = gpu_bandwidth.read(sections("nvbandwidth", nvbandwidth()))
    assert found is not None
    assert found.to_gpu == {0: 55.4, 1: 55.3} and found.from_gpu == {0: 55.1, 1: 55.2}
    assert found.memory == {0: 3038.14, 1: 3037.86}  # read and written
    assert found.peers == {(1, 0): 390.0, (0, 1): 200.0}  # written from the column to the row


def test_what_does_not_apply_is_none_and_what_failed_is_no_result() -> None:
    alone = gpu_bandwidth.read(
        sections("nvbandwidth", nvbandwidth(device_to_device_memcpy_write_ce="Waived"))
    )
    assert alone is not None and alone.peers is None and alone.to_gpu
    with pytest.raises(CannotJudge, match="ended host_to_device_memcpy_ce with 'Error'"):
        gpu_bandwidth.read(sections("nvbandwidth", nvbandwidth(host_to_device_memcpy_ce="Error")))
    with pytest.raises(ParseError, match="does not tell of device_to_host"):
        gpu_bandwidth.read(
            sections("nvbandwidth", nvbandwidth().replace("device_to_host_memcpy_ce", "other"))
        )


def test_what_was_cut_off_and_what_was_never_there() -> None:
    with pytest.raises(ParseError, match="nvbandwidth was cut off"):
        gpu_bandwidth.read(sections("nvbandwidth", nvbandwidth(), None))
    with pytest.raises(ParseError, match="no CUDA-capable device"):
        gpu_bandwidth.read(
            sections("nvbandwidth", '{"nvbandwidth": {"error": "no CUDA-capable device is detected"}}', 1)
        )
    assert gpu_bandwidth.read(Sections((), ("nvbandwidth",))) is None


def test_transferbench(read: Callable[[str], str]) -> None:
    whole = read("transferbench/01-p2p-mi250-8gpu-v150.txt")
    with pytest.raises(ParseError):
        gpu_bandwidth.read(sections("transferbench", whole[: whole.index("GPU 05  ->")]))
    found = gpu_bandwidth.read(sections("transferbench", whole))
    assert found is not None and found.peers is not None
    assert (found.to_gpu[0], found.from_gpu[1]) == (17.32, 24.05)  # from the nearer of two processors
    assert list(found.to_gpu) == list(found.from_gpu) == list(range(8))
    assert (found.peers[0, 1], found.peers[1, 0]) == (64.58, 66.52)
    assert len(found.peers) == 56 and found.memory is None


def test_rocm_bandwidth_test(read: Callable[[str], str]) -> None:
    apart = gpu_bandwidth.read(
        sections("rocm-bandwidth-test", read("rocm-bandwidth-test/01-v201-2gpu-no-peer.txt"))
    )
    assert apart is not None
    assert len(apart.to_gpu) == len(apart.from_gpu) == 2
    assert apart.peers == {}
    assert sorted(apart.addresses.values()) == [apart.addresses[0], apart.addresses[1]]
    one = gpu_bandwidth.read(sections("rocm-bandwidth-test", read("rocm-bandwidth-test/02-v260-apu.txt")))
    assert one is not None
    assert (one.to_gpu, one.from_gpu, one.peers) == ({0: 84.364}, {0: 84.147}, {})
