"""host.container: the GPUs inside a container, its start failing, no runtime."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.container import list_gpus

FACTS = {"gpu.count": 8, "container.image": "nvcr.io/nvidia/cuda:12.4.1-base"}
# invented, in the layout of nvidia-smi -L
GPU = "GPU {}: NVIDIA H100 80GB HBM3 (UUID: GPU-0f3bd1c4-9c0e-0000-1111-2222333344{:02})\n"


@pytest.fixture
def check(load_check):
    return load_check("host/container.py")


@pytest.fixture
def judge(check, node, make_context, make_outputs):
    def run(said: object):
        ctx = make_context({"gpu.count": ("==", 8, "GPUs")}, FACTS)
        (step,) = check.plan(node, ctx).steps
        assert step.command == list_gpus("docker", FACTS["container.image"])
        return judged(check, node, make_outputs({step.command: said}), ctx)

    return run


def test_all_gpus(judge, values) -> None:
    outcome = judge("== CUDA ==\n" + "".join(GPU.format(n, n) for n in range(8)))
    assert (outcome.verdict, values(outcome)) == (
        Verdict.PASS,
        [("GPUs in a container", "gpu-001", 8, True)],
    )


def test_some_gpus(judge, values) -> None:
    outcome = judge("".join(GPU.format(n, n) for n in range(7)))
    assert (outcome.verdict, values(outcome)[0][2]) == (Verdict.FAIL, 7)


def test_a_runtime_that_fails(judge, answer, found) -> None:
    said = "docker: Error response from daemon: could not select device driver with capabilities: [[gpu]]."
    outcome = judge(answer(status=125, stderr=said))
    assert (outcome.verdict, found(outcome)) == (Verdict.FAIL, [("fail", "CONTAINER-GPUS", "gpu-001")])
    assert said[-30:] in outcome.findings[0].message


def test_no_runtime_and_no_list(judge, answer) -> None:
    assert judge(answer(ended=Ended.MISSING, detail="docker")).code == "TOOL-MISSING"
    assert judge("hello\n").code == "OUTPUT-UNKNOWN"


@pytest.mark.parametrize(
    "facts", [{"container.image": "-v"}, {"container.image": 7}, {"container.runtime": "lxc"}]
)
def test_a_profile_that_cannot_be_used(check, node, make_context, facts) -> None:
    with pytest.raises(NoLimit):
        check.plan(node, make_context(facts=FACTS | facts))


def test_the_image_is_one_word_for_the_shell() -> None:
    assert "'a b; reboot'" in list_gpus("apptainer", "a b; reboot").script
