"""pcie.acs and pcie.read-request: what lspci shows to root, and what it hides from others."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.pci_capabilities import CAPABILITIES
from bringup.parsers.pci_sysfs import DEVICES
from bringup.parsers.pci_tree import TREE

LIMITS = {"pcie.acs": ("==", "off"), "pcie.read_request": ("==", 4096, "bytes")}
GPU_AND_CX7 = "lspci/01-vvv-h100-and-cx7-ok.txt"
BRIDGES = "lspci/03-vvv-bridges-acs-enabled.txt"


def tree(*paths: str) -> str:
    return "".join(
        f"l 1 root root 0 Nov 20 12:59 {p.split('/')[-1]} -> ../../../devices/pci0000:00/{p}\n" for p in paths
    )


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def run(file: str, lspci: object, devices: str, above: str = ""):
        check = load_check(f"pcie/{file}.py")
        out = make_outputs({CAPABILITIES: lspci, DEVICES: devices, TREE: above})
        return judged(check, node, out, hgx(limits=LIMITS, facts={"fabric.hcas": ["mlx5_0"]}))

    return run


def test_read_requests_of_a_real_adapter(judge, nic, corpus_text, values) -> None:
    outcome = judge("read_request", corpus_text(GPU_AND_CX7), nic("0000:1a:00.0", "mlx5_0"))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("MaxReadReq", "gpu-001/hca/mlx5_0", 4096, True)]


def test_small_read_requests(judge, nic, corpus_text, values) -> None:
    text = corpus_text("lspci/06-vvv-v100-cx5-no-ok-suffix.txt")
    outcome = judge("read_request", text, nic("0000:86:00.0", "mlx5_0"))
    assert (outcome.verdict, values(outcome)) == (
        Verdict.FAIL,
        [("MaxReadReq", "gpu-001/hca/mlx5_0", 512, False)],
    )


HIDDEN = "0000:1a:00.0 Ethernet controller: Mellanox\n\tCapabilities: <access denied>\n"


def test_hidden_capabilities_are_no_answer(judge, nic, device) -> None:
    outcome = judge("read_request", HIDDEN, nic("0000:1a:00.0", "mlx5_0"))
    assert (outcome.verdict, "shows it to root only" in outcome.reason) == (Verdict.ERROR, True)
    bridge = "0000:19:01.0 PCI bridge: Intel\n\tCapabilities: <access denied>\n"
    outcome = judge("acs", bridge, nic("0000:1a:00.0", "mlx5_0"), tree("0000:19:01.0/0000:1a:00.0"))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason == "ACS of 1 of 1 bridges is not known: lspci shows their capabilities to root only"


def test_a_missing_adapter(judge, nic) -> None:
    outcome = judge("read_request", HIDDEN, nic("0000:1b:00.0", "mlx5_1"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")


def test_acs_of_real_bridges_is_on(judge, device, corpus_text, values) -> None:
    above = tree("0000:82:00.0/0000:83:00.0", "0000:00:0c.0/0000:01:00.0")
    outcome = judge("acs", corpus_text(BRIDGES), device("0000:83:00.0"), above)
    assert (outcome.verdict, values(outcome)) == (Verdict.FAIL, [("acs", "gpu-001", "on", False)])
    assert outcome.findings[0].message == "on at 0000:82:00.0 (CmpltRedir, ReqRedir, SrcValid, UpstreamFwd)"


def test_acs_elsewhere_does_not_matter(judge, device, corpus_text, values) -> None:
    text = (
        corpus_text(BRIDGES)
        + "\n0000:90:00.0 PCI bridge: x\n\t\tACSCtl:\tSrcValid- TransBlk- ReqRedir- DirectTrans+\n"
    )
    outcome = judge("acs", text, device("0000:91:00.0"), tree("0000:90:00.0/0000:91:00.0"))
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("acs", "gpu-001", "off", True)])


def test_no_bridge_above_is_a_virtual_machine(judge, device) -> None:
    outcome = judge("acs", HIDDEN, device("0000:91:00.0"), tree("0000:91:00.0"))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


def test_one_bridge_on_is_proven_although_another_is_hidden(judge, device) -> None:
    text = "0000:18:00.0 PCI bridge: x\n\t\tACSCtl:\tSrcValid+\n0000:19:01.0 PCI bridge: x\n\tCapabilities: <access denied>\n"
    outcome = judge("acs", text, device("0000:1a:00.0"), tree("0000:19:01.0/0000:18:00.0/0000:1a:00.0"))
    assert outcome.verdict is Verdict.FAIL


@pytest.mark.parametrize("file", ["acs", "read_request"])
def test_without_the_tool_and_unknown(judge, device, nic, answer, file) -> None:
    devices, above = nic("0000:1a:00.0", "mlx5_0"), tree("0000:19:01.0/0000:1a:00.0")
    assert judge(file, answer(ended=Ended.MISSING, detail="lspci"), devices, above).code == "TOOL-MISSING"
    assert judge(file, "lspci: Cannot open /proc/bus/pci\n", devices, above).code == "OUTPUT-UNKNOWN"
    assert judge(file, "", devices, above).code == "OUTPUT-UNKNOWN"
