"""The command for Slurm, given to a real srun: one task for each GPU on just these nodes, with NCCL's settings.

The program that it starts is a stand-in that says where it is.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.real_slurm import Slurm, needs_slurm

from bringup.parsers.nccl_tests import all_reduce_srun

pytestmark = needs_slurm


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in an allocation"])
def test_a_task_for_each_gpu_on_the_named_nodes(slurm: Slurm, tmp_path: Path, inside: bool) -> None:
    program = tmp_path / "all_reduce_perf"
    program.write_text(
        '#!/bin/sh\necho "$SLURMD_NODENAME rank $SLURM_PROCID of $SLURM_NTASKS $NCCL_IB_HCA $NCCL_DEBUG $*"\n'
    )
    program.chmod(0o755)
    asked = all_reduce_srun("srun", str(program), "n[1,3]", 2, 1, ("mlx5_0", "mlx5_3"))
    outer = ("salloc", "--nodes=2", "--nodelist=n1,n3", "--immediate=30") if inside else ()
    said = sorted(slurm(*outer, "sh", "-c", asked.script).splitlines())
    settings = "=mlx5_0,mlx5_3 INFO -b 8G -e 8G -g 1 -n 20 -w 5 -c 1"
    assert said == [f"n1 rank 0 of 2 {settings}", f"n3 rank 1 of 2 {settings}"]
