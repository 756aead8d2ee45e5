"""gpu.clocks, gpu.power-cap, gpu.temperature, gpu.inforom, gpu.sram and gpu.recovery on altered documents."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"
B200 = "nvidia-smi-xml/02-b200-x8-580.xml"
MAX_CLOCK = "<max_clocks>\n\t\t\t<graphics_clock>1980 MHz</graphics_clock>\n\t\t\t<sm_clock>1980 MHz"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs, corpus_text):
    """The outcome of a check; `swaps` are (old, new, how many times)."""

    def judge(name, *swaps, text=None, status=0, stderr="", answer=None, **context):
        text = corpus_text(H100) if text is None else text
        for old, new, times in swaps:
            assert old in text, old
            text = text.replace(old, new, times)
        said = answer(text, status=status, stderr=stderr) if answer else text
        return judged(load_check(f"gpu/{name}.py"), node, make_outputs({QUERY: said}), hgx(**context))

    return judge


def bad(outcome) -> list[tuple[str, str, object]]:
    return [(m.name, m.at, m.value) for m in outcome.measurements if not m.ok]


@pytest.mark.parametrize("name", ["clocks", "power_cap", "temperature", "inforom", "sram", "recovery"])
def test_amd_gpus_are_none_of_their_business(load_check, node, hgx, name) -> None:
    with pytest.raises(NotApplicable, match="made by amd, not nvidia"):
        load_check(f"gpu/{name}.py").plan(node, hgx(facts={"gpu.vendor": "amd"}))


# -------------------------------------------------------------------------------------------------- clocks


def test_a_gpu_that_cannot_reach_its_clock(judge) -> None:
    outcome = judge("clocks", (MAX_CLOCK, MAX_CLOCK.replace("1980", "1755"), 1))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.clocks.sm_max", "gpu-001/gpu/0", 1755)]


def test_without_a_number_the_siblings_are_the_measure(judge) -> None:
    swap = (MAX_CLOCK, MAX_CLOCK.replace("1980", "1755"), 1)
    outcome = judge("clocks", swap, limits={"gpu.clocks.sm_max": None})
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.clocks.sm_max", "gpu-001/gpu/0", 1755)]
    assert judge("clocks", limits={"gpu.clocks.sm_max": None}).verdict is Verdict.PASS


def test_siblings_that_do_not_agree_are_no_measure(judge) -> None:
    swap = (MAX_CLOCK, MAX_CLOCK.replace("1980", "1755"), 4)
    outcome = judge("clocks", swap, limits={"gpu.clocks.sm_max": None})
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason.endswith("the GPUs do not agree on one: 1755 MHz, 1980 MHz")


def test_an_application_clock_below_its_default(judge, found) -> None:
    lowered = (
        "<applications_clocks>\n\t\t\t<graphics_clock>1980",
        "<applications_clocks>\n\t\t\t<graphics_clock>1200",
        1,
    )
    outcome = judge("clocks", lowered)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-CLOCK", "gpu-001/gpu/0")]
    assert outcome.findings[0].message == "the application clock is set to 1200 MHz, its default is 1980 MHz"


# --------------------------------------------------------------------------------------------------- power


def test_a_lowered_power_limit(judge) -> None:
    swap = ("<current_power_limit>700.00 W", "<current_power_limit>500.00 W", 1)
    outcome = judge("power_cap", swap)
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.power.limit", "gpu-001/gpu/0", 500.0)] * 2
    without = judge("power_cap", swap, limits={"gpu.power.limit": None})
    assert bad(without) == [("gpu.power.limit", "gpu-001/gpu/0", 500.0)]


def test_power_that_nobody_reports_is_no_pass(judge) -> None:
    outcome = judge("power_cap", ("<current_power_limit>700.00 W", "<current_power_limit>N/A", 1))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "power limit and its default not reported by GPU 0",
    )


# --------------------------------------------------------------------------------------------- temperature


def test_a_hot_gpu(judge) -> None:
    outcome = judge("temperature", ("<gpu_temp>29 C", "<gpu_temp>78 C", 1))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.temperature", "gpu-001/gpu/0", 78.0)]


def test_a_gpu_far_above_its_siblings(judge, found) -> None:
    outcome = judge("temperature", ("<gpu_temp>29 C", "<gpu_temp>60 C", 1))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-TEMPERATURE", "gpu-001/gpu/0")]
    assert outcome.findings[0].message.startswith("60 C, ")


def test_a_warm_row_of_gpus_is_no_outlier(judge) -> None:
    assert judge("temperature", ("<gpu_temp>29 C", "<gpu_temp>42 C", 1)).verdict is Verdict.PASS


def test_hot_memory(judge, corpus_text) -> None:
    outcome = judge("temperature", ("<memory_temp>37 C", "<memory_temp>99 C", 1))
    assert bad(outcome) == [("gpu.memory.temperature", "gpu-001/gpu/0", 99.0)]


# ------------------------------------------------------------------------------------------------- inforom


def test_a_corrupt_inforom_is_placed_at_its_gpu(judge, corpus_text, answer, found) -> None:
    text = corpus_text(H100)
    address = text.partition('<gpu id="')[2].partition('"')[0]
    warning = f"WARNING: infoROM is corrupted at gpu {address[4:]}\n"
    outcome = judge("inforom", text=text + warning, status=14, answer=answer)
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.inforom", "gpu-001/gpu/0", 1)]
    assert found(outcome) == [("note", "GPU-INFOROM", "gpu-001/gpu/0")]


# ---------------------------------------------------------------------------------------------------- sram


def test_worn_on_chip_memory(judge) -> None:
    many = judge("sram", ("<sram_correctable>0", "<sram_correctable>20000", 1))
    assert bad(many) == [("gpu.sram.corrected", "gpu-001/gpu/0", 20000)]
    text = "<aggregate>\n\t\t\t\t<sram_correctable>0</sram_correctable>\n\t\t\t\t<sram_uncorrectable_parity>"
    ever = judge("sram", (text + "0", text + "7", 1))
    assert bad(ever) == [("gpu.sram.uncorrected", "gpu-001/gpu/0", 7)]


def test_without_ecc_nothing_is_counted(judge, found) -> None:
    outcome = judge("sram", ("<current_ecc>Enabled", "<current_ecc>Disabled", 1))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-MODE", "gpu-001/gpu/0")]


# ------------------------------------------------------------------------------------------------ recovery


def test_the_driver_asks_for_a_reset(judge) -> None:
    outcome = judge("recovery", ("<gpu_recovery_action>None<", "<gpu_recovery_action>Reset<", 1))  # invented
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu.recovery", "gpu-001/gpu/0", "Reset")]


def test_an_older_driver_does_not_tell(judge, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/11-a100-sxm4-80-mig4-535.xml")
    outcome = judge("recovery", text=text)
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert "reports no recovery action" in outcome.reason


def test_one_silent_gpu_is_no_pass(judge) -> None:
    outcome = judge("recovery", ("<gpu_recovery_action>None<", "<gpu_recovery_action>N/A<", 1))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "recovery action not reported by GPU 0")
