"""The checks of level soak: the same judgements as of a short load, over a load that lasts."""

from __future__ import annotations

import json

import pytest

from bringup.battery import perf
from bringup.check import AnyCheck
from bringup.commands import Ended
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Level, Node, Outcome, Stage, Verdict
from bringup.profile import load as profile

NODE = Node("gpu-001", profile="hgx-h100")
AMD = Node("n-001", profile="mi300x")
CONTEXT = Context({name: profile(name) for name in ("hgx-h100", "mi300x", "linux")})
ALL = ("gemm", "under_load", "results", "collective", "host_memory")


def command(check: AnyCheck, node: Node = NODE):  # type: ignore[no-untyped-def]
    (step,) = check.plan(node, CONTEXT).steps  # type: ignore[arg-type]
    return step.command


def failed(outcome: Outcome) -> list[tuple[str, str]]:
    found = [(m.code, m.at) for m in outcome.measurements if not m.ok]
    return found + [(f.code, f.at) for f in outcome.findings if f.weight == "fail"]


@pytest.mark.parametrize("name", ALL)
def test_they_run_at_level_soak_only_and_say_how_long_they_take(load_check, name) -> None:  # type: ignore[no-untyped-def]
    check = load_check(f"soak/{name}.py")
    assert (check.stage, check.level) == (Stage.SOAK, Level.SOAK)
    for node in (NODE, AMD):
        asked = command(check, node)
        assert asked.alone and 300 <= asked.estimate_s < asked.timeout_s


def test_the_checks_of_gpus_share_one_load(load_check) -> None:  # type: ignore[no-untyped-def]
    asked = {command(load_check(f"soak/{name}.py")) for name in ("gemm", "under_load", "results")}
    assert len(asked) == 1
    (one,) = asked
    assert (
        "--seconds 720 " in one.script and "sleep 10 &" in one.script
    )  # 720 s of each product, and half of it compared
    assert one.estimate_s >= 1800


def test_a_node_without_gpus_has_only_its_memory(load_check) -> None:  # type: ignore[no-untyped-def]
    plain = Node("box", profile="linux")
    for name in ("gemm", "under_load", "results", "collective"):
        with pytest.raises(NotApplicable):
            load_check(f"soak/{name}.py").plan(plain, CONTEXT)
    assert command(load_check("soak/host_memory.py"), plain).script


# ------------------------------------------------------------------------------------------------ GPUs


def gpu(n: int, tflops: float = 745.0, wrong: int = 0) -> dict[str, object]:
    return {
        "index": n,
        "name": "NVIDIA H100 80GB HBM3",
        "bus": f"0000:{n + 16:02x}:00.0",
        "results": {
            "gemm": {
                "size": 8192,
                "bf16": {"tflops": tflops, "slowest": tflops * 0.9},
                "fp8": {"tflops": tflops * 1.9, "slowest": tflops},
            },
            "compare": {
                "products": 9,
                "wrong": wrong,
                "digest": [7, 9],
                "pattern_bytes": 8,
                "pattern_wrong": 0,
            },
        },
    }


def part(name: str, text: str) -> str:
    return f"@bringup begin {name}\n{text}\n@bringup end {name} 0\n"


def load(gpus: list[dict[str, object]], reasons: dict[int, str]) -> str:
    """What the soak prints, with three samples. # invented, in the form of the real tools"""
    report = {"bringup_gpu_load": 1, "torch": "2.9.1", "backend": "cuda", "runtime": "13.0", "gpus": gpus}
    head = (
        "index, pci.bus_id, utilization.gpu [%], pcie.link.gen.current, pcie.link.width.current, clocks.current.sm [MHz],"
        " clocks.max.sm [MHz], temperature.gpu, temperature.memory, power.draw [W], enforced.power.limit [W],"
        " clocks_event_reasons.active\n"
    )
    rows = "".join(
        f"{n}, 00000000:{n + 16:02X}:00.0, 100, 5, 16, 1700, 1980, 70, 80, 690, 700, {reasons.get(n, '0x4')}\n"
        for n in range(8)
    )
    listed = "index, pci.bus_id\n" + "".join(f"{n}, 00000000:{n + 16:02X}:00.0\n" for n in range(8))
    return part("list", listed) + part("load", json.dumps(report)) + part("sample", head + rows) * 3


@pytest.mark.parametrize(
    ("name", "gpus", "reasons", "bad"),
    [
        ("gemm", {}, {}, []),
        ("gemm", {3: {"tflops": 500.0}}, {}, [("GPU-GEMM", "gpu-001/gpu/3")] * 2),
        ("under_load", {}, {}, []),
        ("under_load", {}, {5: "0x48"}, [("GPU-SLOWDOWN", "gpu-001/gpu/5")]),
        ("results", {}, {}, []),
        ("results", {7: {"wrong": 1}}, {}, [("GPU-RESULTS", "gpu-001/gpu/7")]),
    ],
)
def test_gpus(load_check, make_outputs, name, gpus, reasons, bad) -> None:  # type: ignore[no-untyped-def]
    check = load_check(f"soak/{name}.py")
    text = load([gpu(n, **gpus.get(n, {})) for n in range(8)], reasons)
    outcome = judged(check, NODE, make_outputs({command(check): text}), CONTEXT)
    assert (outcome.reason, failed(outcome)) == ("", bad)
    assert outcome.verdict is (Verdict.FAIL if bad else Verdict.PASS)


def test_the_answers_of_the_short_load_are_not_taken(load_check, make_outputs) -> None:  # type: ignore[no-untyped-def]
    text = load([gpu(n) for n in range(8)], {})
    outcome = judged(
        load_check("soak/gemm.py"), NODE, make_outputs({perf.load_command(NODE, CONTEXT): text}), CONTEXT
    )
    assert outcome.verdict is Verdict.ERROR


# ------------------------------------------------------------------------------------------- the others


def log(read: str, busbw: float, wrong: int = 0) -> str:
    """One round, from a real log: its last row with another bandwidth. # invented numbers"""
    said = read.replace("BOUNDS", f"{wrong} {'FAILED' if wrong else 'OK'}")
    return said.replace("BUSBW", f"{busbw:.2f}").replace("WRONG", str(wrong))


ROUND = """# nThread 1 nGpus 8 minBytes 8589934592 maxBytes 8589934592 step: 2(factor) warmup iters: 5 iters: 500
#
# Using devices
#  Rank  0 Group  0 Pid  12345 on    gpu-001 device  0 [0x18] NVIDIA H100 80GB HBM3
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
  8589934592    2147483648     float     sum      -1    31234  275.02  BUSBW  WRONG    31200  275.32  BUSBW  WRONG
# Out of bounds values : BOUNDS
# Avg bus bandwidth    : BUSBW
#

"""


@pytest.fixture
def rounds(load_check, make_outputs):  # type: ignore[no-untyped-def]
    check = load_check("soak/collective.py")

    def run(text: object) -> Outcome:
        return judged(check, NODE, make_outputs({command(check): text}), CONTEXT)

    return run


def test_rounds_that_all_end(rounds) -> None:  # type: ignore[no-untyped-def]
    outcome = rounds("".join(log(ROUND, 480.0 + n % 3) for n in range(20)))
    assert (outcome.verdict, outcome.reason, failed(outcome)) == (Verdict.PASS, "", [])
    assert [(m.name, m.value) for m in outcome.measurements] == [
        ("wrong in all rounds", 0),
        ("busbw of the slowest round", 480.0),
        ("scatter of busbw", 0.17),
        ("rounds that ended", 20),
    ]


def test_one_slow_round_is_enough(rounds) -> None:  # type: ignore[no-untyped-def]
    outcome = rounds("".join(log(ROUND, 200.0 if n == 7 else 480.0) for n in range(20)))
    assert failed(outcome) == [("COLL-OPS-BW", "gpu-001")]


def test_a_round_with_wrong_sums_ends_the_soak(rounds, answer) -> None:  # type: ignore[no-untyped-def]
    text = log(ROUND, 480.0) * 4 + log(ROUND, 480.0, wrong=3)
    outcome = rounds(answer(text, status=1))
    assert failed(outcome) == [("COLL-OPS-WRONG", "gpu-001")]


def test_a_round_that_fails_or_hangs(rounds, answer) -> None:  # type: ignore[no-untyped-def]
    crashed = rounds(answer(log(ROUND, 480.0) * 4 + log(ROUND, 480.0).split("# Out of")[0], status=139))
    assert failed(crashed) == [("COLL-OPS-FAILED", "gpu-001")]
    hung = rounds(answer(log(ROUND, 480.0) * 4 + ROUND.split("  85899")[0], ended=Ended.TIMEOUT))
    assert [f.message for f in hung.findings] == ["hangs in round 5 of 20"]


def test_a_log_that_is_cut_off_is_no_pass(rounds, answer) -> None:  # type: ignore[no-untyped-def]
    outcome = rounds(log(ROUND, 480.0) * 4)
    assert (outcome.verdict, failed(outcome)) == (Verdict.ERROR, [])
    assert rounds(answer(ended=Ended.MISSING, detail="all_reduce_perf")).code == "TOOL-MISSING"
    assert rounds("").verdict is Verdict.ERROR


@pytest.mark.parametrize(("wrong", "bad"), [(0, []), (2, [("HOST-MEMORY-RESULTS", "gpu-001")])])
def test_the_memory_of_the_processors(load_check, make_outputs, wrong, bad) -> None:  # type: ignore[no-untyped-def]
    check = load_check("soak/host_memory.py")
    asked = command(check)
    assert "--seconds 300 --buffer-mib 4096" in asked.script
    told = {"bringup_memory_load": 2, "processors": 224, "silent": 0, "copy_gbs": 431.5, "wrong": wrong}
    outcome = judged(check, NODE, make_outputs({asked: part("memory", json.dumps(told))}), CONTEXT)
    assert failed(outcome) == bad
    assert [(m.name, m.value) for m in outcome.measurements] == [
        ("wrong copies", wrong),
        ("memory copy", 431.5),
    ]
