"""The report of bringup's own GPU load. Its real output is read in tests/programs; here are the forms it can take."""

from __future__ import annotations

import json
import shutil
import subprocess
from copy import deepcopy
from typing import Any

import pytest

from bringup import programs
from bringup.errors import ParseError, ToolMissing
from bringup.parsers import gpu_load
from bringup.parsers.gpu_load import Compare, Copies, Gemm, Gpu, Memory, Rate, Report

# invented: the form of the program's own report, with numbers of an H100
REPORT: dict[str, Any] = {
    "bringup_gpu_load": 1, "torch": "2.9.1+cu130", "backend": "cuda", "runtime": "13.0",
    "gpus": [
        {
            "index": 0, "name": "NVIDIA H100 80GB HBM3", "bus": "0000:1b:00.0",
            "results": {
                "gemm": {"size": 8192, "bf16": {"tflops": 701.5, "slowest": 690.1}, "fp8": {"tflops": 1290.0, "slowest": 1280.5}},
                "compare": {"products": 4096, "wrong": 0, "digest": [7, -9], "pattern_bytes": 68719476736, "pattern_wrong": 0},
                "memory": {"copy_gbs": 2900.0, "triad_gbs": 2970.0},
                "copies": {"local": True, "h2d_gbs": 55.4, "d2h_gbs": 55.1},
            },
        },
        {"index": 1, "name": "NVIDIA H100 80GB HBM3", "bus": None, "error": "RuntimeError: CUDA error"},
    ],
    "peers": [[None, 392.1], [391.8, None]], "peers_error": None,
}  # fmt: skip


def text(report: object = REPORT) -> str:
    return f"a warning on the way\n{json.dumps(report)}\nbye\n"


def test_every_part_of_a_report() -> None:
    assert gpu_load.parse(text()) == Report(
        torch="2.9.1+cu130",
        backend="cuda",
        runtime="13.0",
        gpus=(
            Gpu(
                index=0,
                name="NVIDIA H100 80GB HBM3",
                address="00000000:1b:00.0",
                error=None,
                gemm=Gemm(8192, Rate(701.5, 690.1), Rate(1290.0, 1280.5), None),
                compare=Compare(4096, 0, (7, -9), 68719476736, 0),
                memory=Memory(2900.0, 2970.0),
                copies=Copies(55.4, 55.1, local=True),
            ),
            Gpu(1, "NVIDIA H100 80GB HBM3", None, "RuntimeError: CUDA error"),
        ),
        peers=((None, 392.1), (391.8, None)),
    )


def changed(path: list[str | int], value: object) -> dict[str, Any]:
    report = deepcopy(REPORT)
    place: Any = report
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return report


RESULTS: list[str | int] = ["gpus", 0, "results"]


def test_a_gpu_without_fp8_says_why() -> None:
    report = changed([*RESULTS, "gemm", "fp8"], {"why": "RuntimeError: not on this GPU"})
    gemm = gpu_load.parse(text(report)).gpus[0].gemm
    assert gemm is not None
    assert (gemm.fp8, gemm.fp8_why) == (None, "RuntimeError: not on this GPU")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["bringup_gpu_load"], 2),
        (["torch"], None),
        (["gpus"], {}),
        (["gpus", 0, "index"], -1),
        (["gpus", 0, "index"], "0"),
        (["gpus", 0, "bus"], "PCI slot 3"),
        (["gpus", 1, "error"], None),
        ([*RESULTS, "gemm", "bf16", "tflops"], float("nan")),
        ([*RESULTS, "gemm", "bf16", "tflops"], float("inf")),
        ([*RESULTS, "gemm", "bf16", "tflops"], 0),
        ([*RESULTS, "gemm", "bf16", "tflops"], -3.5),
        ([*RESULTS, "gemm", "bf16", "tflops"], "700"),
        ([*RESULTS, "gemm", "bf16"], None),
        ([*RESULTS, "compare", "wrong"], -1),
        ([*RESULTS, "compare", "wrong"], 0.0),
        ([*RESULTS, "compare", "wrong"], True),
        ([*RESULTS, "compare", "digest"], []),
        ([*RESULTS, "compare", "digest"], ["7"]),
        ([*RESULTS, "memory", "copy_gbs"], None),
        ([*RESULTS, "copies", "d2h_gbs"], 0.0),
        (["peers"], [[None, 1.0]]),
        (["peers", 0, 1], "fast"),
    ],
)
def test_what_is_no_report_is_no_result(path: list[str | int], value: object) -> None:
    with pytest.raises(ParseError):
        gpu_load.parse(text(changed(path, value)))


@pytest.mark.parametrize("said", ["", "Traceback (most recent call last):\n", "{}\n", '{"torch": "2.9.1"}\n'])
def test_no_report_at_all(said: str) -> None:
    with pytest.raises(ParseError, match="printed no report"):
        gpu_load.parse(said)


def test_a_report_that_is_cut_off() -> None:
    with pytest.raises(ParseError, match="cut off"):
        gpu_load.parse(json.dumps(REPORT)[:200])


def test_what_is_missing_is_a_missing_tool() -> None:
    report = {
        "bringup_gpu_load": 1,
        "missing": "torch",
        "why": "ModuleNotFoundError: No module named 'torch'",
    }
    with pytest.raises(ToolMissing) as missing:
        gpu_load.parse(json.dumps(report))
    assert missing.value.code == "TOOL-MISSING"
    assert missing.value.tools == ("torch for python3 (ModuleNotFoundError: No module named 'torch')",)


def test_the_command_carries_the_program_and_quotes_its_python() -> None:
    command = gpu_load.load(8, 5, 8192, python="/opt/it's/python3")
    assert programs.text(programs.GPU_LOAD) in command.script
    assert "'/opt/it'\"'\"'s/python3' - bringup-gpu-load --gpus 8 --seconds 5 --size 8192" in command.script
    assert command.alone and not command.root
    assert command.timeout_s > 4 * command.estimate_s


@pytest.mark.parametrize(
    ("tools", "listed", "more"),
    [
        ([], "", ",memory,peers"),
        (["nvbandwidth"], "0, device_local_copy:", ""),
        (["nvbandwidth"], "0, host_to_device_memcpy_ce:", ",memory"),
    ],
)
def test_what_no_tool_of_the_node_measures_is_left_to_the_program(tools, listed, more, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for tool in tools:
        (tmp_path / tool).write_text(f"#!/bin/sh\necho '{listed}'\n")
        (tmp_path / tool).chmod(0o755)
    script = f'{gpu_load.tests_without(["nvbandwidth"], local_copy=True)}echo "$more"'
    for shell in (s for s in ("dash", "bash") if shutil.which(s)):
        ended = subprocess.run(
            [shell, "-c", script],
            capture_output=True,
            text=True,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            check=True,
        )
        assert ended.stdout.strip() == more
