"""link.auth: ports that their switch lets in only after 802.1X."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.per_interface import SUPPLICANT

AT = "gpu-001/hca/mlx5_0/port/1"
# invented addresses in the layout that wpa_supplicant documents
STATUS = """bssid=01:80:c2:00:00:03
freq=0
ssid=
id=0
mode=station
pairwise_cipher=NONE
group_cipher=NONE
key_mgmt=IEEE 802.1X (no WPA)
wpa_state=COMPLETED
address=52:54:00:11:22:33
Supplicant PAE state=AUTHENTICATED
suppPortStatus=Authorized
EAP state=SUCCESS
selectedMethod=13 (EAP-TLS)
eap_tls_version=TLSv1.2
"""


def answer_of(text: str = STATUS, status: int = 0, dev: str = "mlx5_0") -> str:
    return f"=== {dev} rdma0\n{text}=== status {status}\n"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, asked: object = True, layer: str = "Ethernet"):
        facts = {"fabric.hcas": ["mlx5_0"], "fabric.link_layer": layer}
        ctx = make_context(facts=facts if asked is None else {**facts, "fabric.port_auth": asked})
        check = load_check("link/auth.py")
        check.plan(node, ctx)
        return judged(check, node, make_outputs({SUPPLICANT: text}), ctx)

    return run


def test_a_port_that_was_let_in(judge, values) -> None:
    outcome = judge(answer_of())
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("port authentication", AT, "AUTHENTICATED", True),
        ("port status", AT, "Authorized", True),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (STATUS.replace("state=AUTHENTICATED", "state=HELD"), "HELD"),
        (STATUS.replace("=Authorized", "=Unauthorized"), "Unauthorized"),
        ("wpa_state=INACTIVE\naddress=52:54:00:11:22:33\n", "INACTIVE"),
    ],
)
def test_a_port_that_was_not(judge, text, said) -> None:
    outcome = judge(answer_of(text))
    assert outcome.verdict is Verdict.FAIL
    assert [m.value for m in outcome.measurements if not m.ok] == [said]


def test_a_port_that_nobody_answers_for_is_no_pass(judge) -> None:
    text = "Failed to connect to non-global ctrl_ifname: rdma0  error: No such file or directory\n"
    outcome = judge(answer_of(text, 255))
    assert (outcome.verdict, outcome.reason.split(":")[0]) == (
        Verdict.ERROR,
        "no wpa_supplicant answers for mlx5_0",
    )


def test_a_port_without_interface_is_no_pass(judge) -> None:
    outcome = judge(answer_of(dev="mlx5_7"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")


@pytest.mark.parametrize("text", ["", answer_of("nonsense\n"), answer_of("address=1\n"), answer_of()[:-20]])
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_without_the_program(judge, answer) -> None:
    assert judge(answer(ended=Ended.MISSING, detail="wpa_cli")).code == "TOOL-MISSING"


@pytest.mark.parametrize(("asked", "layer"), [(None, "Ethernet"), (False, "Ethernet"), (True, "InfiniBand")])
def test_where_nobody_asks(judge, asked, layer) -> None:
    with pytest.raises(NotApplicable):
        judge("", asked, layer)


def test_nonsense_in_the_profile(judge) -> None:
    with pytest.raises(NoLimit):
        judge("", "yes")
