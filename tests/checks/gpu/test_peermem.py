"""gpu.peermem and link.modules: which kernel modules are there (invented lists in the kernel's layout)."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable, ParseError
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.modules import MODULES, parse

OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)\n"
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n"
RDMA = ("ib_core", "ib_uverbs", "mlx5_core", "mlx5_ib")


def answer(*loaded: str, built_in: str = "", kernel: str = "5.15.0-122-generic", driver: str = CLOSED) -> str:
    modules = "".join(f"{name} 397312 0 - Live 0x0000000000000000 (OE)\n" for name in loaded)
    return f"{modules}== built in\n{built_in}\n== kernel\n{kernel}\n== nvidia\n{driver}"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def judge(name, text, **context):
        return judged(load_check(name), node, make_outputs({MODULES: text}), hgx(**context))

    return judge


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (answer("nvidia", "nvidia_peermem"), "nvidia_peermem"),
        (answer("nvidia", "nv_peer_mem"), "nv_peer_mem"),
        (answer("nvidia", driver=OPEN), "dma-buf"),
        (answer("nvidia"), "none"),
        (answer("nvidia", kernel="5.4.0-99-generic", driver=OPEN), "none"),
    ],
)
def test_either_way_suffices(judge, text, way) -> None:
    outcome = judge("gpu/peermem.py", text)
    assert outcome.verdict is (Verdict.FAIL if way == "none" else Verdict.PASS)
    assert [(m.name, m.at, m.value) for m in outcome.measurements] == [("gpu.peermem", "gpu-001", way)]


def test_without_the_driver_nothing_is_known(judge) -> None:
    outcome = judge("gpu/peermem.py", answer("ib_core", driver=""))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-DRIVER")


@pytest.mark.parametrize("name", ["gpu/peermem.py", "link/modules.py"])
@pytest.mark.parametrize("text", ["", "cat: /proc/modules: Permission denied\n", answer("nvidia")[:60]])
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, text, facts={"fabric.modules": list(RDMA)})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_a_node_without_fabric_needs_no_peermem(load_check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        load_check("gpu/peermem.py").plan(node, hgx(facts={"fabric.hcas": []}))


def test_a_failed_command(judge, answer) -> None:
    outcome = judge("gpu/peermem.py", answer("", status=1, stderr="cat: /proc/modules: No such file"))
    assert outcome.verdict is Verdict.ERROR
    assert "No such file" in outcome.reason


# ------------------------------------------------------------------------------------------- link.modules


def test_modules_loaded_or_built_in(judge, values) -> None:
    outcome = judge(
        "link/modules.py", answer(*RDMA[1:], built_in="ib_core"), facts={"fabric.modules": list(RDMA)}
    )
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [(f"module {name}", "gpu-001", "yes", True) for name in RDMA]


def test_a_missing_module(judge) -> None:
    outcome = judge("link/modules.py", answer(*RDMA[:3]), facts={"fabric.modules": list(RDMA)})
    assert outcome.verdict is Verdict.FAIL
    assert [m.name for m in outcome.measurements if not m.ok] == ["module mlx5_ib"]


@pytest.mark.parametrize(
    "facts", [{}, {"fabric.modules": []}, {"fabric.hcas": [], "fabric.modules": ["ib_core"]}]
)
def test_a_profile_without_modules(load_check, node, hgx, facts) -> None:
    with pytest.raises(NotApplicable):
        load_check("link/modules.py").plan(node, hgx(facts=facts))


def test_what_the_driver_says_of_itself() -> None:
    old, new = parse(answer("nvidia")), parse(answer("nvidia", driver=OPEN))
    assert (old.driver, old.open_driver, old.kernel) == (535, False, (5, 15))
    assert (new.driver, new.open_driver) == (580, True)
    with pytest.raises(ParseError):
        parse(answer("nvidia", driver="no version here\n"))
