"""host.dpu: mode, pending changes and number of BlueField cards, as far as their host can tell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.dpu import DPUS, Dpu, parse

# invented after the layout of mlxconfig and the values of NVIDIA's manual
SETTINGS = """
Device #1:
----------

Device type:        BlueField3
Name:               900-9D3B6-00CN-A_Ax
Device:             0000:03:00.0

Configurations:                                 Default                   Current                   Next Boot
        INTERNAL_CPU_MODEL                      EMBEDDED_CPU(1)           EMBEDDED_CPU(1)           EMBEDDED_CPU(1)
*       INTERNAL_CPU_OFFLOAD_ENGINE             ENABLED(0)                DISABLED(1)               DISABLED(1)
"""
CARD = "== 0000:03:00.0 0xa2dc mlx5_2 32.47.1088\n"
GOOD = f"tool=mlxconfig\n{CARD}{SETTINGS}== status 0\n== end\n"
AT = "gpu-001/hca/mlx5_2"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, **limits: object):
        named = {f"dpu.{name}": ("==", value) for name, value in limits.items()}
        return judged(load_check("host/dpu.py"), node, make_outputs({DPUS: text}), make_context(named))

    return run


def test_a_card_in_the_planned_mode(judge, values) -> None:
    outcome = judge(GOOD, mode="nic", count=1)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("BlueField cards", "gpu-001", 1, True),
        ("DPU firmware", AT, "32.47.1088", True),
        ("DPU mode", AT, "nic", True),
        ("waiting for a power cycle", AT, 0, True),
    ]


def test_without_a_wish_it_is_a_reading(judge) -> None:
    outcome = judge(GOOD)
    assert outcome.verdict is Verdict.PASS
    assert [m.value for m in outcome.measurements] == ["32.47.1088", "nic", 0]


@pytest.mark.parametrize(
    ("old", "new", "mode"),
    [
        ("DISABLED(1)               DISABLED(1)", "ENABLED(0)                ENABLED(0)", "dpu"),
        ("EMBEDDED_CPU(1)           EMBEDDED_CPU(1)\n", "SEPARATED_HOST(0)         SEPARATED_HOST(0)\n", "separated"),
    ],
)  # fmt: skip
def test_another_mode(judge, old, new, mode) -> None:
    outcome = judge(GOOD.replace(old, new), mode="nic")
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements if not m.ok] == [(mode, "DPU-MODE")]


def rshim(mode: str, dev: str = "pcie-0000:03:00.2") -> str:
    return GOOD.replace("== end\n", f"== rshim {dev} {mode}\n== end\n")


def test_host_and_card_agree(judge) -> None:
    outcome = judge(rshim("NIC"), mode="nic")
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert ("mode by the card itself", "nic") in [(m.name, m.value) for m in outcome.measurements]


def test_host_and_card_do_not_agree(judge) -> None:
    outcome = judge(rshim("DPU"), mode="nic")
    assert [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok] == [
        ("DPU-DISAGREES", AT, "dpu")
    ]


@pytest.mark.parametrize(
    ("mode", "dev"), [("-", "pcie-0000:03:00.2"), ("DPU", "usb-2-1.1"), ("DPU", "pcie-0000:c1:00.2")]
)
def test_what_tells_nothing_of_this_card(judge, mode, dev) -> None:
    outcome = judge(rshim(mode, dev), mode="nic")
    assert outcome.verdict is Verdict.PASS
    assert "mode by the card itself" not in [m.name for m in outcome.measurements]


def test_the_card_itself_tells_where_the_tool_is_missing(judge) -> None:
    text = f"tool=none\n{CARD}== rshim pcie-0000:03:00.2 DPU\n== end\n"
    outcome = judge(text, mode="nic")
    assert [(m.code, m.value) for m in outcome.measurements if not m.ok] == [("DPU-MODE", "dpu")]
    assert judge(text, mode="dpu").verdict is Verdict.PASS


def test_a_change_that_waits(judge, found) -> None:
    outcome = judge(
        GOOD.replace("DISABLED(1)               DISABLED(1)", "DISABLED(1)               ENABLED(0)")
    )
    assert outcome.verdict is Verdict.FAIL
    assert [m.code for m in outcome.measurements if not m.ok] == ["DPU-PENDING"]
    assert outcome.findings[0].message == "BlueField-3 mlx5_2: nic now, dpu after it"


def test_a_card_is_missing(judge) -> None:
    outcome = judge(GOOD, count=2)
    assert [(m.value, m.code) for m in outcome.measurements if not m.ok] == [(1, "DPU-MISSING")]


def test_a_node_without_cards(judge) -> None:
    outcome = judge("tool=mlxconfig\n== end\n")
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert judge("tool=mlxconfig\n== end\n", count=2).verdict is Verdict.FAIL


def test_without_the_tool(judge, found) -> None:
    text = f"tool=none\n{CARD}== end\n"
    assert judge(text, mode="nic").code == "TOOL-MISSING"
    outcome = judge(text)
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [("note", "DPU-MODE", "gpu-001")])


def test_a_card_that_lets_its_host_know_nothing(judge) -> None:
    refused = "-E- Failed to query device current configuration"
    outcome = judge(f"tool=mlxconfig\n{CARD}{refused}\n== status 3\n== end\n")
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        f"the mode is not known: BlueField-3 mlx5_2: {refused}",
    )


def test_an_older_card_and_a_tool_that_knows_only_the_next_boot() -> None:
    plain = "        INTERNAL_CPU_MODEL                          EMBEDDED_CPU(1)\n"
    seen = parse(f"tool=mstconfig\n== 0000:03:00.0 0xa2d6 - -\n{plain}== status 0\n== end\n")
    assert seen.cards == (Dpu("0000:03:00.0", "BlueField-2", None, None, None, "dpu"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("== end\n", ""),
        GOOD.replace("== status 0\n", ""),
        GOOD.replace("EMBEDDED_CPU(1)", "SOMETHING"),
        GOOD.replace("        INTERNAL_CPU_MODEL", "        OTHER"),
        GOOD.replace("0xa2dc", "0x1017"),
        "tool=none\nstray\n== end\n",
    ],
)
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_hanging(judge, answer) -> None:
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_the_command_on_a_machine(tmp_path: Path) -> None:
    """Only the first function of a BlueField is asked, no ordinary adapter."""
    devices, tools = tmp_path / "sys/bus/pci/devices", tmp_path / "bin"
    tools.mkdir()
    for bdf, number in (("0000:03:00.0", "0xa2dc"), ("0000:03:00.1", "0xa2dc"), ("0000:18:00.0", "0x1021")):
        (devices / bdf / "infiniband/mlx5_9").mkdir(parents=True)
        (devices / bdf / "vendor").write_text("0x15b3\n")
        (devices / bdf / "device").write_text(f"{number}\n")
        (devices / bdf / "infiniband/mlx5_9/fw_ver").write_text("32.41.1000\n")
    tool = tools / "mstconfig"
    tool.write_text(f"#!/bin/sh\n[ $# = 6 ] || exit 9\ncat <<'E'\n{SETTINGS}\nE\n")
    tool.chmod(0o755)
    # the fields of a real one, DPU mode, ROM and uptime left out
    (tmp_path / "dev/rshim0").mkdir(parents=True)
    (tmp_path / "dev/rshim0/misc").write_text(
        "DISPLAY_LEVEL   2 (0:basic, 1:advanced, 2:log)\nBF_MODE         DPU mode\nBOOT_MODE       1 (0:rshim, 1:emmc)\n"
        "DEV_NAME        pcie-0000:03:00.2\nDEV_INFO        BlueField-3(Rev 1)\n"
    )
    for name in ("cat",):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = subprocess.run(
        ["/bin/sh", "-u"], input=DPUS.script, env={"ROOT": str(tmp_path), "TMP": str(tmp_path), "PATH": str(tools)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert parse(done.stdout).cards == (
        Dpu("0000:03:00.0", "BlueField-3", "mlx5_9", "32.41.1000", "nic", "nic", own="dpu"),
    )
