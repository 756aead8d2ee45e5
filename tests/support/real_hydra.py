"""A real MPICH for tests: its mpiexec.hydra and library, and a program that prints like nccl-tests.

The program is Python that calls the MPI library itself, so no compiler is needed. All ranks add up their numbers through
MPI; rank 0 prints. TEST_DOES of a node's environment says what its ranks do instead of working well.
"""

from __future__ import annotations

import ctypes.util
import shutil
import sys
from pathlib import Path

import pytest

TOOLS = ("mpiexec.hydra", "hydra_pmi_proxy")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
LIBRARY = ctypes.util.find_library("mpich") or ""
needs_hydra = pytest.mark.skipif(
    bool(MISSING) or not LIBRARY,
    reason=f"MISSING MPICH: {', '.join(MISSING) or 'libmpich'}: jobs under the real Hydra are NOT tested here",
)
_PROGRAM = """\
#!{python}
import ctypes, os, signal, sys, time

does = os.environ.get("TEST_DOES", "")
if does == "dies before MPI":
    os.kill(os.getpid(), signal.SIGSEGV)
if does == "hangs before MPI":
    time.sleep(600)
mpi = ctypes.CDLL("{library}")
WORLD, CHAR, LONG, SUM = 0x44000000, 0x4C000101, 0x4C000807, 0x58000003
mpi.MPI_Init(None, None)
rank, ranks = ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(WORLD, ctypes.byref(rank))
mpi.MPI_Comm_size(WORLD, ctypes.byref(ranks))
local = int(os.environ["MPI_LOCALRANKID"])
here = os.environ["MPIR_CVAR_CH3_INTERFACE_HOSTNAME"].replace(".", "-")
mine = f"{{os.getpid()}} on {{here}} device {{local:2}} [0x{{local:02x}}] Test GPU"
own = ctypes.create_string_buffer(mine.encode(), 100)
everybody = ctypes.create_string_buffer(100 * ranks.value)
mpi.MPI_Gather(own, 100, CHAR, everybody, 100, CHAR, 0, WORLD)
if rank.value == 0:
    print("# nThread 1 nGpus 1 minBytes 8589934592 maxBytes 8589934592 step: 1048576(bytes) warmup iters: 5 iters: 20")
    print("# " + " ".join(sys.argv[1:]), os.environ.get("NCCL_IB_HCA"), os.environ.get("NCCL_DEBUG"))
    for n in range(ranks.value):
        one = everybody.raw[100 * n : 100 * n + 100].rstrip(b"\\0").decode()
        print(f"#  Rank {{n:2}} Group  0 Pid {{one}}")
    print("#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong")
    sys.stdout.flush()
if does == "dies":
    time.sleep(2)
    os.kill(os.getpid(), signal.SIGKILL)
if does == "hangs":
    time.sleep(600)
own, total = ctypes.c_long(rank.value + 1), ctypes.c_long()
mpi.MPI_Allreduce(ctypes.byref(own), ctypes.byref(total), 1, LONG, SUM, WORLD)
if rank.value == 0:
    wrong = int(total.value != ranks.value * (ranks.value + 1) // 2)
    row = f"34280  250.58  469.84  {{wrong:5}}"
    print(f"  8589934592    2147483648     float     sum      -1  {{row}}  {{row}}")
    print(f"# Out of bounds values : {{wrong}} {{'FAILED' if wrong else 'OK'}}")
    print("# Avg bus bandwidth    : 469.84")
    sys.stdout.flush()
mpi.MPI_Finalize()
"""


def all_reduce_perf(folder: Path) -> Path:
    """The program, written into a folder."""
    path = folder / "all_reduce_perf"
    path.write_text(_PROGRAM.format(python=sys.executable, library=LIBRARY))
    path.chmod(0o755)
    return path
