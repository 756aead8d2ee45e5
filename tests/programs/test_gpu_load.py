"""The program that loads GPUs: its words and refusals on any Python, its numbers on a real PyTorch on the processor.

BRINGUP_TORCH_PYTHON names a Python with PyTorch; else the running one is asked.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bringup import programs
from bringup.errors import ToolMissing
from bringup.parsers import gpu_load

SOURCE = programs.text(programs.GPU_LOAD)
PYTHON = os.environ.get("BRINGUP_TORCH_PYTHON", sys.executable)
SMALL = ("--device", "cpu", "--seconds", "0.05", "--size", "64", "--memory-mib", "2")


def started(
    *words: str, python: str = PYTHON, timeout: float = 300.0, **env: str
) -> subprocess.CompletedProcess[str]:
    """The program as a node gets it: on standard input."""
    return subprocess.run(
        [python, "-", *words], input=SOURCE, capture_output=True, text=True, timeout=timeout, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )  # fmt: skip


@pytest.fixture(scope="module")
def torch() -> str:
    """The version of PyTorch that the tests can use; skips, saying so, where there is none."""
    asked = subprocess.run(
        [PYTHON, "-c", "import torch; print(torch.__version__)"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if asked.returncode != 0:
        pytest.skip(f"{PYTHON} has no PyTorch; name a Python that has one with BRINGUP_TORCH_PYTHON")
    return asked.stdout.strip()


@pytest.mark.parametrize("version", [(3, 8), (3, 11)])
def test_it_is_python_of_old_nodes_too(version: tuple[int, int]) -> None:
    for name in (programs.GPU_LOAD, programs.MEMORY_LOAD):
        tree = ast.parse(programs.text(name), feature_version=version)
        used = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        used |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not any((module or "").startswith("bringup") for module in used)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required"),
        (["something-else", "--gpus", "1"], "invalid choice: 'something-else'"),
        (["bringup-gpu-load"], "--gpus"),
        (["bringup-gpu-load", "--gpus", "0"], "invalid choice: 0"),
        (["bringup-gpu-load", "--gpus", "1", "--tests", "gemm,speed"], "unknown test 'speed'"),
        (["bringup-gpu-load", "--gpus", "1", "--tests", ""], "unknown test ''"),
        (["bringup-gpu-load", "--gpus", "1", "--seconds", "nan"], "seconds up to 3600"),
        (["bringup-gpu-load", "--gpus", "1", "--size", "4"], "size 16 to 65536"),
    ],
)
def test_nonsense_is_refused_before_anything_is_loaded(words: list[str], said: str) -> None:
    ended = started(*words, python=sys.executable)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_without_pytorch_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')\n")
    ended = started("bringup-gpu-load", "--gpus", "8", python=sys.executable, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 3
    with pytest.raises(ToolMissing, match=r"torch for python3 \(ImportError: No module named torch\)"):
        gpu_load.parse(ended.stdout)


def test_a_pytorch_for_processors_is_no_tool_for_gpus(torch: str) -> None:
    if "+cpu" not in torch:
        pytest.skip(f"PyTorch {torch} is for GPUs")
    ended = started("bringup-gpu-load", "--gpus", "1")
    assert ended.returncode == 3
    with pytest.raises(ToolMissing, match="torch with GPU support"):
        gpu_load.parse(ended.stdout)


def test_all_tests_run_on_a_processor(torch: str) -> None:
    tests = "gemm,compare,memory,copies,peers"
    ended = started("bringup-gpu-load", "--gpus", "2", "--tests", tests, *SMALL)
    assert ended.returncode == 0, ended.stderr
    report = gpu_load.parse(ended.stdout)
    assert (report.torch, report.backend, report.runtime) == (torch, "cpu", None)
    assert [(gpu.index, gpu.name, gpu.address, gpu.error) for gpu in report.gpus] == [
        (0, "cpu", None, None),
        (1, "cpu", None, None),
    ]
    for gpu in report.gpus:
        assert gpu.gemm is not None and gpu.gemm.size == 64
        assert gpu.gemm.bf16.tflops >= gpu.gemm.bf16.slowest > 0
        assert gpu.memory is not None and gpu.memory.copy_gbs > 0 and gpu.memory.triad_gbs > 0
        assert gpu.copies is not None and gpu.copies.h2d_gbs > 0 and gpu.copies.d2h_gbs > 0
        assert gpu.compare is not None
        assert (gpu.compare.wrong, gpu.compare.pattern_wrong) == (0, 0)
        assert gpu.compare.products >= 8 and gpu.compare.pattern_bytes > 0
    first, second = (gpu.compare for gpu in report.gpus)
    assert first is not None and second is not None and first.digest == second.digest
    assert report.peers is not None
    assert [[cell is None for cell in row] for row in report.peers] == [[True, False], [False, True]]


def test_the_digest_is_that_of_exact_sums(torch: str) -> None:
    """The same factors multiplied in whole numbers by another way give the same digest, but for bf16's rounding."""
    check = (
        "import torch\n"
        "g = torch.Generator().manual_seed(20)\n"
        "a, b = (torch.randint(-3, 4, (64, 64), generator=g, dtype=torch.int8).long() for _ in range(2))\n"
        "c = (a @ b).to(torch.bfloat16).long()\n"
        "print(int(c.sum()), int((c * (torch.arange(64) % 97 + 1)[:, None]).sum()))\n"
    )
    exact = subprocess.run(
        [PYTHON, "-c", check], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    ended = started("bringup-gpu-load", "--gpus", "1", "--tests", "compare", *SMALL)
    (gpu,) = gpu_load.parse(ended.stdout).gpus
    assert gpu.compare is not None
    assert gpu.compare.digest == tuple(int(word) for word in exact.split())


def test_what_fails_on_one_gpu_hides_nothing_of_the_others(torch: str) -> None:
    """The second process is made to fail, and the third to hang."""
    broken = (
        SOURCE.replace(
            "    ready(device.about())\n",
            "    if index == 1:\n        raise RuntimeError('CUDA error: uncorrectable ECC error')\n"
            "    if index == 2:\n        time.sleep(600)\n    ready(device.about())\n",
        )
        .replace("START_S = 120.0", "START_S = 4.0")
        .replace("60.0 + given.seconds * 4", "3.0")
    )
    assert broken != SOURCE
    ended = subprocess.run(
        [PYTHON, "-", "bringup-gpu-load", "--gpus", "3", "--tests", "memory", *SMALL],
        input=broken, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    report = gpu_load.parse(ended.stdout)
    assert [gpu.error for gpu in report.gpus] == [
        None,
        "RuntimeError: CUDA error: uncorrectable ECC error",
        "did not finish in time",
    ]
    assert report.gpus[0].memory is not None
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not any("bringup-gpu-load --gpus 3 --tests memory" in line for line in left.splitlines())


def test_the_report_is_one_line(torch: str) -> None:
    ended = started("bringup-gpu-load", "--gpus", "1", "--tests", "memory", *SMALL)
    (line,) = ended.stdout.splitlines()
    assert next(iter(json.loads(line))) == "bringup_gpu_load"
