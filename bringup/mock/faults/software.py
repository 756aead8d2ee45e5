"""Faults of the software and the environment of a node: programs, versions, rights, services."""

from __future__ import annotations

from dataclasses import replace

from bringup.mock.faults.expected import (
    CONFIGURATION,
    NODE_AT,
    SOFTWARE,
    UNJUDGED,
    Expected,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import Kind, in_node
from bringup.mock.hardware import SimNode

_MINORITY = (Expected("VERSION-MINORITY", NODE_AT, SOFTWARE),)
_HANGS = (Expected("COMMAND-HANGS", NODE_AT, UNJUDGED),)
_UNKNOWN = (Expected("OUTPUT-UNKNOWN", NODE_AT, UNJUDGED),)
_MISSING = (Expected("TOOL-MISSING", NODE_AT, UNJUDGED),)


def _tool(*examples: str) -> Param:
    """A program of the battery; the examples are asked on every node with NVIDIA GPUs."""
    return Param("tool", "tool", examples=examples)


@in_node(
    Kind(
        "no-sudo",
        "sudo asks for a password, so that the kernel log stays closed",
        expected=(Expected("NOT-JUDGED", NODE_AT, UNJUDGED), Expected("NO-ROOT", NODE_AT, UNJUDGED)),
        needs=("nvidia",),
    )
)
def _no_sudo(node: SimNode, given: Given) -> None:
    node.sudo = False


@in_node(
    Kind(
        "hanging-tool",
        "a program of the battery never ends",
        (_tool("nvidia-smi", "chronyc", "dmesg"),),
        _HANGS,
        needs=("nvidia",),
    )
)
def _hanging_tool(node: SimNode, given: Given) -> None:
    node.hanging.add(given.text("tool"))


@in_node(
    Kind(
        "garbage-output",
        "a program of the battery prints something else than it should",
        (_tool("nvidia-smi", "chronyc"),),
        _UNKNOWN,
        needs=("nvidia",),
    )
)
def _garbage_output(node: SimNode, given: Given) -> None:
    node.garbage.add(given.text("tool"))


@in_node(
    Kind(
        "missing-tool",
        "a program of the battery is not installed",
        (
            Param(
                "tool",
                "program",
                examples=("nvidia-smi", "ib_write_bw", "all_reduce_perf", "mpirun", "chronyc"),
            ),
        ),
        _MISSING,
        needs=("nvidia", "hca"),
    )
)
def _missing_tool(node: SimNode, given: Given) -> None:
    node.missing.add(given.text("tool"))


@in_node(
    Kind(
        "wrong-architecture",
        "a program of the battery was built for another machine",
        (_tool("nvidia-smi", "chronyc"),),
        (*_MISSING, Expected("NOT-JUDGED", NODE_AT, UNJUDGED), *_UNKNOWN),
        needs=("nvidia",),
    )
)
def _wrong_architecture(node: SimNode, given: Given) -> None:
    node.broken.add(given.text("tool"))


@in_node(
    Kind(
        "no-scratch-space",
        "the file system for temporary files is full",
        expected=(Expected("DISK-FULL", NODE_AT, SOFTWARE),),
    )
)
def _no_scratch_space(node: SimNode, given: Given) -> None:
    node.scratch = False


@in_node(
    Kind(
        "firewall",
        "other nodes cannot reach the ports on which tests listen",
        expected=(
            Expected("RDMA-SETUP", NODE_AT, UNJUDGED),
            Expected("RDMA-SETUP", "{node}/hca/*", UNJUDGED),
        ),
        needs=("hca",),
    )
)
def _firewall(node: SimNode, given: Given) -> None:
    node.firewalled = True


@in_node(
    Kind(
        "peers-refused",
        "other nodes may not log in, so that mpirun starts nothing there",
        expected=(Expected("COLL-SETUP", NODE_AT, UNJUDGED),),
        needs=("nvidia", "hca"),
    )
)
def _peers_refused(node: SimNode, given: Given) -> None:
    node.peers_refused = True


# --------------------------------------------------------------------------------------------- versions


@in_node(
    Kind(
        "driver-version",
        "another GPU driver than on the other nodes",
        (Param("version", "word", examples=("570.86.15", "550.54.15")),),
        _MINORITY,
        needs=("nvidia",),
    )
)
def _driver_version(node: SimNode, given: Given) -> None:
    node.driver = given.text("version")


@in_node(
    Kind(
        "kernel-version",
        "another kernel than on the other nodes",
        (Param("version", "word", examples=("5.15.0-91-generic", "6.8.0-35-generic")),),
        _MINORITY,
    )
)
def _kernel_version(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, kernel=given.text("version"))


@in_node(
    Kind(
        "os-version",
        "another release of the operating system than on the other nodes",
        (Param("name", "word", examples=("Ubuntu 20.04.6 LTS",)),),
        _MINORITY,
    )
)
def _os_version(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, os_name=given.text("name"))


@in_node(
    Kind(
        "mlx5-version",
        "another driver of the adapters than on the other nodes",
        (Param("version", "word", examples=("23.10-0.5.5",)),),
        _MINORITY,
        needs=("hca",),
    )
)
def _mlx5_version(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, mlx5=given.text("version"))


@in_node(
    Kind(
        "ofed-version",
        "another OFED than on the other nodes",
        (Param("version", "word", examples=("OFED-internal-23.10-0.5.5:",)),),
        _MINORITY,
        needs=("hca",),
    )
)
def _ofed_version(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, ofed=given.text("version"))


@in_node(
    Kind(
        "nccl-version",
        "another library of collectives than on the other nodes",
        (Param("version", "word", examples=("2.18.3", "2.23.4")),),
        _MINORITY,
        needs=("nvidia",),
    )
)
def _nccl_version(node: SimNode, given: Given) -> None:
    node.nccl = given.text("version")


@in_node(
    Kind(
        "gpu-memory-module-missing",
        "the module that lets adapters reach GPU memory is not loaded, and the closed driver has no other way",
        expected=(Expected("PEERMEM-MISSING", NODE_AT, SOFTWARE),),
        needs=("nvidia", "hca"),
    )
)
def _gpu_memory_module_missing(node: SimNode, given: Given) -> None:
    node.unloaded.add("nvidia_peermem")
    node.files["proc/driver/nvidia/version"] = (
        f"NVRM version: NVIDIA UNIX {node.shape.machine} Kernel Module  {node.driver}  Thu May 23 21:00:00 UTC 2024\n"
        "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n"
    )


@in_node(
    Kind(
        "persistence-daemon-down",
        "the daemon that keeps the GPUs' state has failed",
        expected=(Expected("SERVICE-DOWN", NODE_AT, SOFTWARE),),
        needs=("nvidia",),
    )
)
def _persistence_daemon_down(node: SimNode, given: Given) -> None:
    node.services["nvidia-persistenced.service"] = "failed"


@in_node(
    Kind(
        "imex-down",
        "the service that joins the trays of an NVLink domain has failed",
        expected=(Expected("IMEX-DOWN", NODE_AT, SOFTWARE),),
        needs=("imex",),
    )
)
def _imex_down(node: SimNode, given: Given) -> None:
    node.imex = "failed"


@in_node(
    Kind(
        "shared-memory-small",
        "the file system for shared memory is smaller than a collective needs",
        expected=(Expected("SHM-SIZE", NODE_AT, CONFIGURATION),),
    )
)
def _shared_memory_small(node: SimNode, given: Given) -> None:
    node.shm_kib = 65536
