"""Samples of amd-smi beside a load, and what the GPUs count of the reasons for low clocks."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import ParseError
from bringup.parsers import amd_samples, gpu_samples, inside
from bringup.parsers.gpu_samples import Sample

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]


def of(value: float, unit: str) -> dict[str, object]:
    return {"value": value, "unit": unit}


def metric(*gpus: int, busy: float = 100, mhz: float = 2102, gts: float = 32) -> str:
    """As amd-smi of ROCm 6.4 prints it, but for what no check reads. # invented, in the form of a real answer"""
    clock = {"min_clk": of(500, "MHz"), "max_clk": of(2102, "MHz"), "clk_locked": "DISABLED"}
    return json.dumps(
        [
            {
                "gpu": gpu,
                "usage": {"gfx_activity": of(busy, "%"), "umc_activity": of(40, "%"), "mm_activity": "N/A"},
                "power": {"socket_power": of(741, "W"), "throttle_status": "N/A"},
                "clock": {
                    "gfx_0": {"clk": of(mhz, "MHz"), **clock},
                    "gfx_1": {"clk": of(mhz + 2, "MHz"), **clock},
                    "gfx_2": {"clk": "N/A", "min_clk": "N/A", "max_clk": "N/A"},
                    "mem_0": {"clk": of(1300, "MHz"), **clock},
                },
                "temperature": {"edge": "N/A", "hotspot": of(81, "C"), "mem": of(62, "C")},
                "pcie": {"width": 16, "speed": of(gts, "GT/s"), "bandwidth": "N/A"},
            }
            for gpu in gpus
        ],
        indent=4,
    )


def counts(gpu: int = 0, ticks: object = 11_240_028, **rises: object) -> str:
    """The lines of `amd-smi metric -v` that are read, of a release before lists for each chiplet."""
    names = ("prochot", "ppt", "socket_thermal", "vr_thermal", "hbm_thermal")
    throttle = {
        "accumulation_counter": ticks,
        **{f"{name}_accumulated": rises.get(name, 0) for name in names},
    }
    return json.dumps({"gpu_data": [{"gpu": gpu, "throttle": throttle}]})


def test_a_sample_under_load() -> None:
    (one,) = amd_samples.parse([metric(0)], counts(), counts(ticks=11_250_028))
    assert (one.index, one.pcie_gen, one.pcie_width, one.held, one.cooled) == (0, 5, 16, (), False)
    assert one.samples == (
        Sample(
            index=0, address="", busy_percent=100, pcie_gen=5, pcie_width=16, sm_mhz=2103, sm_max_mhz=2102,
            temperature_c=81, memory_c=62, power_w=741, power_limit_w=None, reasons=None,
        ),
    )  # fmt: skip


def test_the_list_and_the_sample_of_real_answers(read) -> None:  # type: ignore[no-untyped-def]
    rows = amd_samples.parse_list(read("amd-smi/01-list-text.txt"))
    assert rows[0][0] == 0 and len(rows) == len({address for _, address in rows})
    (one,) = amd_samples.parse([read("amd-smi/02-metric-text.txt")])
    assert (len(one.samples), one.samples[0].sm_mhz, one.samples[0].power_w, one.held) == (1, 2102, 234, None)


@pytest.mark.parametrize(
    ("rises", "held"),
    [
        ({"ppt": 9_900}, ()),  # the power limit
        ({"socket_thermal": 9_900}, ("socket thermal",)),
        ({"prochot": 400, "hbm_thermal": 101}, ("PROCHOT", "HBM thermal")),
        ({"vr_thermal": 100}, ()),  # a moment only
    ],
)
def test_what_was_counted_during_the_load(rises: dict[str, object], held: tuple[str, ...]) -> None:
    (one,) = amd_samples.parse([metric(0)], counts(), counts(ticks=11_250_028, **rises))
    assert one.held == held


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),  # an older release
        (counts(), ""),
        (counts(ticks="N/A"), counts(ticks="N/A")),
        (counts(prochot=5), counts(ticks=11_250_028)),  # reset meanwhile
        (counts(), counts()),
        (counts(1), counts(1, 11_250_028)),
    ],
)
def test_where_nobody_counts_nothing_is_known(before: str, behind: str) -> None:
    (one,) = amd_samples.parse([metric(0)], before, behind)
    assert one.held is None


def test_gpus_at_rest_are_not_under_load() -> None:
    found = amd_samples.parse([metric(0, 1, busy=0, mhz=132), metric(1)])
    assert [(one.index, len(one.samples)) for one in found] == [(0, 0), (1, 1)]
    assert amd_samples.parse([]) == ()


@pytest.mark.parametrize(
    "text", ["", "AMDSMI_STATUS_DRIVER_NOT_LOADED", "[]", metric(0, gts=33), metric(0)[:-40], metric(0, 0)]
)
def test_what_is_no_sample(text: str) -> None:
    with pytest.raises(ParseError):
        amd_samples.parse([text])


def test_a_list_without_addresses() -> None:
    with pytest.raises(ParseError, match="address of GPU 0"):
        amd_samples.parse_list('[{"gpu": 0, "uuid": "x"}]')


@pytest.mark.parametrize("shell", SHELLS)
def test_on_a_node(shell: str, tmp_path: Path) -> None:
    """The list, the counters before, samples beside the load, the counters behind it."""
    tool = tmp_path / "amd-smi"
    tool.write_text(
        "#!/bin/sh\ncase $* in\n"
        f"list*) cat <<'END'\n{json.dumps([{'gpu': 0, 'bdf': '0000:1B:00.0'}])}\nEND\n;;\n"
        f"*-v*) [ -e {tmp_path}/first ] && cat <<'END' && exit\n{counts(ticks=11_250_028, prochot=900)}\nEND\n"
        f": >{tmp_path}/first\ncat <<'END'\n{counts()}\nEND\n;;\n"
        f"*) cat <<'END'\n{metric(0)}\nEND\n;;\nesac\n"
    )
    tool.chmod(0o755)
    driver = amd_samples.AMD
    script = gpu_samples.listed(driver) + gpu_samples.around(inside.section("load", "sleep 0.5"), driver)
    call = [shell, "sh", "-c", script] if shell == "busybox" else [shell, "-c", script]
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TMP": str(tmp_path), "LC_ALL": "C"}
    ended = subprocess.run(call, capture_output=True, text=True, env=env, timeout=60, check=True)
    found = inside.parse(ended.stdout)
    samples = found.all(gpu_samples.SAMPLE)
    names = [part.name for part in found.parts]
    assert names == ["list", "before", "load", *["sample"] * len(samples), "behind"] and samples
    assert all(len(part.text.splitlines()) == 1 for part in samples)
    assert amd_samples.parse_list(found.parts[0].text) == ((0, "00000000:1b:00.0"),)
    (one,) = amd_samples.parse([part.text for part in samples], found.parts[1].text, found.parts[-1].text)
    assert (len(one.samples), one.held) == (len(samples), ("PROCHOT",))
