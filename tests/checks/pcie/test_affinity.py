"""pcie.affinity: which GPU an adapter is next to. pcie.replay: counts without a verdict."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_topo import TOPOLOGY
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.pci_sysfs import DEVICES

DGX = "nvidia-smi-topo/12-dgx-h100x8-mlx5-columns.txt"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs, nic):
    def run(text: object, hcas: list[str], *, paths: list[str] | None = None, count: int = 8, bus=None):
        bus = bus or "".join(nic(f"0000:{n:02x}:00.0", hca) for n, hca in enumerate(hcas, 1))
        facts = {
            "fabric.hcas": hcas,
            "pcie.affinity.paths": paths,
            "gpu.vendor": "nvidia",
            "gpu.count": count,
        }
        ctx = hgx(facts=facts)
        check = load_check("pcie/affinity.py")
        check.plan(node, ctx)
        return judged(check, node, make_outputs({TOPOLOGY: text, DEVICES: bus}), ctx)

    return run


GOOD = ["PIX", "PXB"]


def test_every_adapter_of_a_real_machine_is_next_to_its_gpu(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(DGX), [f"mlx5_{n}" for n in range(8)], paths=GOOD)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("path to the nearest GPU", f"gpu-001/hca/mlx5_{n}", "PIX", True) for n in range(8)
    ]


def test_an_adapter_in_a_wrong_slot(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(DGX), ["mlx5_0", "mlx5_8"], paths=GOOD)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome)[1] == ("path to the nearest GPU", "gpu-001/hca/mlx5_8", "NODE", False)
    assert str(outcome.measurements[1].limit) == "PIX or PXB"


def test_rails_in_another_order_are_a_note(judge, corpus_text, found) -> None:
    hcas = ["mlx5_1", "mlx5_0", *(f"mlx5_{n}" for n in range(2, 8))]
    outcome = judge(corpus_text(DGX), hcas, paths=GOOD)
    assert (outcome.verdict, found(outcome)) == (
        Verdict.PASS,
        [("note", "NIC-AFFINITY", "gpu-001/hca/mlx5_1"), ("note", "NIC-AFFINITY", "gpu-001/hca/mlx5_0")],
    )


def test_names_from_the_legend(judge, corpus_text, values) -> None:
    text = corpus_text("nvidia-smi-topo/13-oci-h100-4gpu-nic-legend.txt")
    outcome = judge(text, [f"mlx5_{n}" for n in range(4)], paths=GOOD, count=4)
    assert (outcome.verdict, {v[2] for v in values(outcome)}) == (Verdict.PASS, {"PXB"})


def test_without_a_wish_the_paths_are_readings(judge, corpus_text) -> None:
    outcome = judge(corpus_text(DGX), ["mlx5_8"])
    assert (outcome.verdict, [m.limit for m in outcome.measurements]) == (Verdict.PASS, [None])


def test_a_table_without_one_gpu_blames_no_adapter(judge, corpus_text) -> None:
    outcome = judge(corpus_text(DGX), ["mlx5_8"], paths=GOOD, count=9)
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "GPU-MISSING", ())


def test_names_that_are_cut_and_tables_that_are_none(judge, corpus_text, answer) -> None:
    cut = judge(corpus_text("nvidia-smi-topo/02-azure-ndmv4-a100x8.txt"), ["mlx5_ib0"], paths=GOOD)
    assert (cut.verdict, cut.reason) == (Verdict.ERROR, "nvidia-smi topo names no adapter mlx5_ib0")
    assert judge("what?\n", ["mlx5_0"], paths=GOOD).code == "OUTPUT-UNKNOWN"
    assert (
        judge(answer(ended=Ended.MISSING, detail="nvidia-smi"), ["mlx5_0"], paths=GOOD).code == "TOOL-MISSING"
    )


def test_an_adapter_that_is_not_on_the_bus_is_told_as_missing(judge, corpus_text, nic) -> None:
    outcome = judge(corpus_text(DGX), ["mlx5_0", "mlx5_77"], paths=GOOD, bus=nic("0000:01:00.0", "mlx5_0"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")


def test_a_fact_that_is_no_list_of_paths(judge, corpus_text) -> None:
    assert judge(corpus_text(DGX), ["mlx5_0"], paths=["NEAR"]).verdict is Verdict.ERROR


def test_replays_are_readings(load_check, node, hgx, make_outputs, corpus_text, answer) -> None:
    check, ctx = load_check("pcie/replay.py"), hgx(facts={"gpu.vendor": "nvidia"})
    check.plan(node, ctx)
    out = make_outputs({QUERY: corpus_text("nvidia-smi-xml/01-h100-x8-580.xml")})
    outcome = judged(check, node, out, ctx)
    assert outcome.verdict is Verdict.PASS
    assert [(m.at, m.limit) for m in outcome.measurements] == [(f"gpu-001/gpu/{n}", None) for n in range(8)]
    assert sorted(m.value for m in outcome.measurements)[-1] == 174
    missing = make_outputs({QUERY: answer(ended=Ended.MISSING, detail="nvidia-smi")})
    assert judged(check, node, missing, ctx).code == "TOOL-MISSING"


def test_a_gpu_that_does_not_answer_tells_no_replays(
    load_check, node, hgx, make_outputs, corpus_text
) -> None:
    ctx = hgx(facts={"gpu.vendor": "nvidia", "gpu.count": 9})
    out = make_outputs({QUERY: corpus_text("nvidia-smi-xml/01-h100-x8-580.xml")})
    outcome = judged(load_check("pcie/replay.py"), node, out, ctx)
    assert (outcome.verdict, outcome.code, len(outcome.measurements)) == (Verdict.ERROR, "GPU-MISSING", 8)
