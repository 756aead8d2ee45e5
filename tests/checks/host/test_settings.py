"""host.kernel-cmdline, host.numa-balancing, host.governor, host.swap: one answer, four checks."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.host_settings import SETTINGS

LIMITS = {
    "host.iommu": ("!=", "translating"),
    "host.numa_balancing": ("==", 0),
    "host.governor": ("==", "performance"),
    "host.swap": ("<=", 0, "GiB"),
}
# invented, as SETTINGS prints it
GOOD = """cmdline=BOOT_IMAGE=/boot/vmlinuz-5.15 root=UUID=1 ro iommu=pt quiet
virtual=no
iommu_known=yes
iommu=310 identity
iommu_groups=310 group
numa_balancing=0
governor=224 performance
swaps=read
end=settings
"""
FILES = ("kernel_cmdline", "numa_balancing", "governor", "swap")


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(file: str, text: object = GOOD, limits=LIMITS, facts=None):
        check = load_check(f"host/{file}.py")
        return judged(check, node, make_outputs({SETTINGS: text}), make_context(limits, facts))

    return run


def test_a_healthy_node(judge, values) -> None:
    outcomes = [judge(file) for file in FILES]
    assert [(o.verdict, o.reason, o.findings) for o in outcomes] == [(Verdict.PASS, "", ())] * 4
    assert [values(o)[-1] for o in outcomes] == [
        ("iommu", "gpu-001", "passthrough", True),
        ("numa balancing", "gpu-001", 0, True),
        ("governor", "gpu-001", "performance", True),
        ("swap", "gpu-001", 0.0, True),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "value", "code"),
    [
        ("kernel_cmdline", "310 identity", "310 DMA-FQ", "translating", "IOMMU"),
        ("kernel_cmdline", "iommu=310 identity", "iommu=300 identity\niommu=10 DMA", "translating", "IOMMU"),
        ("numa_balancing", "numa_balancing=0", "numa_balancing=1", 1, ""),
        ("governor", "224 performance", "224 powersave", "powersave", ""),
        (
            "governor", "governor=224 performance", "governor=200 performance\ngovernor=24 powersave",
            "performance on 200, powersave on 24", "",
        ),
        ("swap", "swaps=read\n", "swaps=read\nswap=67108860 /swapfile\n", 64.0, ""),
    ],
)  # fmt: skip
def test_a_wrong_setting(judge, file, old, new, value, code) -> None:
    outcome = judge(file, GOOD.replace(old, new))
    assert outcome.verdict is Verdict.FAIL
    broken = [m for m in outcome.measurements if not m.ok]
    assert [(m.value, m.code, m.at) for m in broken] == [(value, code, "gpu-001")]


@pytest.mark.parametrize(
    ("words", "mode", "verdict"),
    [
        ("iommu=pt", "passthrough", Verdict.PASS),
        ("intel_iommu=on iommu=pt", "passthrough", Verdict.PASS),
        ("intel_iommu=off", "off", Verdict.PASS),
        ("intel_iommu=on", "translating", Verdict.FAIL),
        ("quiet", None, Verdict.ERROR),
    ],
)
def test_without_device_groups_the_command_line_tells_the_mode(judge, words, mode, verdict) -> None:
    text = GOOD.replace("iommu_known=yes\niommu=310 identity\niommu_groups=310 group\n", "")
    outcome = judge("kernel_cmdline", text.replace("iommu=pt quiet", words))
    assert outcome.verdict is verdict
    assert [m.value for m in outcome.measurements if m.name == "iommu"] == ([mode] if mode else [])


def test_no_groups_at_all_is_an_iommu_that_is_off(judge, values) -> None:
    text = GOOD.replace("iommu=310 identity\niommu_groups=310 group\n", "").replace(
        "iommu=pt", "intel_iommu=on"
    )
    assert values(judge("kernel_cmdline", text))[-1] == ("iommu", "gpu-001", "off", True)


def test_a_virtual_machine_is_told_but_not_judged(judge, values) -> None:
    outcome = judge("kernel_cmdline", GOOD.replace("virtual=no", "virtual=yes").replace("identity", "DMA"))
    assert outcome.verdict is Verdict.PASS
    assert outcome.measurements[-1].limit is None


def test_words_that_the_profile_asks_for(judge, values) -> None:
    outcome = judge("kernel_cmdline", facts={"host.cmdline.words": ["iommu=pt", "pci=realloc=off"]})
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome)[1:3] == [
        ("boot word iommu=pt", "gpu-001", "iommu=pt", True),
        ("boot word pci=realloc=off", "gpu-001", "absent", False),
    ]
    assert outcome.measurements[2].code == "KERNEL-CMDLINE"


def test_the_command_line_is_compared_without_what_belongs_to_one_node(judge) -> None:
    assert judge("kernel_cmdline").measurements[0].value == "iommu=pt quiet"


def test_without_a_wish_they_are_readings(judge) -> None:
    for file in ("kernel_cmdline", "numa_balancing", "governor"):
        outcome = judge(file, GOOD.replace("numa_balancing=0", "numa_balancing=1"), limits={})
        assert (outcome.verdict, [m.limit for m in outcome.measurements if m.limit]) == (Verdict.PASS, [])


def test_a_kernel_without_numa_balancing_keeps_the_wish(judge, values) -> None:
    outcome = judge("numa_balancing", GOOD.replace("numa_balancing=0\n", ""))
    assert (outcome.verdict, values(outcome)) == (
        Verdict.PASS,
        [("numa balancing", "gpu-001", "not built in", True)],
    )


def test_no_governor_is_not_applicable(judge) -> None:
    outcome = judge("governor", GOOD.replace("governor=224 performance\n", ""))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


def test_what_cannot_be_read_is_no_pass(judge) -> None:
    assert judge("swap", GOOD.replace("swaps=read\n", "")).verdict is Verdict.ERROR
    assert judge("kernel_cmdline", GOOD.replace("cmdline=", "virtual=no\nx=")).code == "OUTPUT-UNKNOWN"


@pytest.mark.parametrize("file", FILES)
def test_cut_off_unknown_and_hanging(judge, file, answer) -> None:
    assert judge(file, GOOD.replace("end=settings\n", "")).code == "OUTPUT-UNKNOWN"
    assert judge(file, "no such thing\n").code == "OUTPUT-UNKNOWN"
    assert judge(file, answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_swap_needs_a_limit(judge) -> None:
    assert judge("swap", limits={}).verdict is Verdict.ERROR


def test_container_is_not_applicable_without_an_image(load_check, node, make_context) -> None:
    check = load_check("host/container.py")
    with pytest.raises(NotApplicable):
        check.plan(node, make_context(facts={"gpu.count": 8}))
