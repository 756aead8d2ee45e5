"""Checks of how ports are set up: subnet manager, partition, addresses, MTU, flow control, Ethernet settings."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers import ip_link, per_interface, port_config, rdma_sysfs

HDR = "sysfs-infiniband/04-8x-hdr-good.txt"
QOS = "mlnx_qos/01-dscp-pfc3-firmware-controlled.txt"
HCAS = ["mlx5_0", "mlx5_1", "mlx5_2"]
LIMITS = {"link.rate": ("==", 54, "Gb/s")}
IB, ETH = "InfiniBand", "Ethernet"
BASE = "/sys/class/infiniband"
COMMANDS = {
    "sm": (IB, rdma_sysfs.PORTS),
    "pkey": (IB, port_config.CONFIG),
    "gid": (ETH, port_config.CONFIG),
    "mtu": (ETH, port_config.CONFIG),
    "identity": (IB, port_config.CONFIG),
    "qos": (ETH, per_interface.QOS),
    "ethernet": (ETH, per_interface.SETTINGS),
    "address": (ETH, rdma_sysfs.PORTS),
}


def port(hca: str) -> str:
    return f"gpu-001/hca/{hca}/port/1"


def device(
    number: int, *, layer: str = ETH, mtu: int = 9000, ip: str = "", pkeys: tuple[str, ...] = ("0xffff",)
) -> str:
    """One device as `CONFIG` prints it (invented values in the kernel's layout)."""
    dev = f"{BASE}/mlx5_{number}"
    gids = [(0, "fe80:0000:0000:0000:a288:c2ff:fe03:f1a2", "IB/RoCE v1")]
    if layer == ETH:
        gids.append((1, "fe80:0000:0000:0000:a288:c2ff:fe03:f1a2", "RoCE v2"))
    if ip:
        gids.append((3, f"0000:0000:0000:0000:0000:ffff:{ip}", "RoCE v2"))
    lines = [
        f"{dev}/node_guid:a088:c203:0000:000{number}",
        f"{dev}/ports/1/link_layer:{layer}",
        f"{dev}/device/net/eth{number}/mtu:{mtu}",
        f"{dev}/device/net/eth{number}/carrier_changes:2",
        f"{dev}/device/net/eth{number}/address:a0:88:c2:00:00:0{number}",
        *(f"{dev}/ports/1/pkeys/{n}:{key}" for n, key in enumerate(pkeys)),
        *(f"{dev}/ports/1/gids/{n}:{gid}" for n, gid, _ in gids),
        *(f"{dev}/ports/1/gid_attrs/types/{n}:{kind}" for n, _, kind in gids),
    ]
    return "\n".join(lines) + "\n"


def config(**first: object) -> str:
    """Three devices, the first of them with other values."""
    usual: dict[str, object] = {"ip": "0a1f:0402"} if first.get("layer", ETH) == ETH else {"layer": IB}
    return device(0, **{**usual, **first}) + "".join(device(n, **usual) for n in (1, 2))


def interfaces(*texts: str, status: int = 0) -> str:
    """The answers about eth0, eth1 and so on."""
    return "".join(
        f"=== mlx5_{n} eth{n}\n{text.rstrip()}\n=== status {status}\n" for n, text in enumerate(texts)
    )


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def judge(name, text, facts=None, limits=None, **others):
        layer, command = COMMANDS[name]
        answers = {command: text, **{getattr(module, key): said for key, (module, said) in others.items()}}
        facts = {"fabric.hcas": HCAS, "fabric.link_layer": layer, "tools.required": [], **(facts or {})}
        check = load_check(f"link/{name}.py")
        return judged(check, node, make_outputs(answers), make_context({**LIMITS, **(limits or {})}, facts))

    return judge


def bad(outcome) -> list[tuple[str, str, object]]:
    return [(m.name, m.at, m.value) for m in outcome.measurements if not m.ok]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_node_without_planned_ports(load_check, node, make_context, name) -> None:
    facts = {"fabric.hcas": [], "fabric.link_layer": COMMANDS[name][0]}
    with pytest.raises(NotApplicable):
        load_check(f"link/{name}.py").plan(node, make_context(LIMITS, facts))


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "identity"])
def test_another_link_layer(load_check, node, make_context, name) -> None:
    other = ETH if COMMANDS[name][0] == IB else IB
    with pytest.raises(NotApplicable, match=f"is {other}, not"):
        load_check(f"link/{name}.py").plan(
            node, make_context(LIMITS, {"fabric.hcas": HCAS, "fabric.link_layer": other})
        )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("text", ["", "sh: grep: not found\n"])
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, text, SETTINGS=(per_interface, text), FEC=(per_interface, text))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_lost_node(judge, answer, name) -> None:
    outcome = judge(name, answer(ended=Ended.LOST, detail="connection lost: eof"))
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "NODE-LOST", ())


@pytest.mark.parametrize(("name", "tool"), [("qos", "mlnx_qos"), ("ethernet", "ethtool")])
def test_optional_tools(judge, answer, name, tool) -> None:
    missing = answer(ended=Ended.MISSING, detail=tool)
    assert judge(name, missing).why is Why.NOT_APPLICABLE
    assert judge(name, missing, facts={"tools.required": [tool]}).code == "TOOL-MISSING"


@pytest.mark.parametrize("name", ["pkey", "gid", "mtu", "identity"])
def test_a_missing_adapter(judge, name) -> None:
    outcome = judge(name, device(1, ip="0a1f:0402") + device(2, ip="0a1f:0403"))
    assert (outcome.verdict, outcome.code, outcome.error_at) == (
        Verdict.ERROR,
        "HCA-MISSING",
        "gpu-001/hca/mlx5_0",
    )


# ------------------------------------------------------------------------------------------ subnet manager


def lids(lid: str = "0x4", sm: str = "0x1", state: str = "4: ACTIVE") -> str:
    """Ports as `PORTS` prints them (invented values)."""
    lines: list[str] = []
    for n in range(3):
        at = f"{BASE}/mlx5_{n}/ports/1"
        own = (state, lid, sm) if n == 0 else ("4: ACTIVE", f"0x{n + 4:x}", "0x1")
        pairs = zip(("state", "lid", "sm_lid"), own, strict=True)
        lines += [f"{at}/{name}:{value}" for name, value in pairs if value]
    return "\n".join(lines) + "\n"


def test_lids(judge) -> None:
    outcome = judge("sm", lids())
    assert (outcome.verdict, len(outcome.measurements)) == (Verdict.PASS, 9)


@pytest.mark.parametrize(
    ("text", "name"),
    [(lids(lid="0x0"), "lid"), (lids(lid="0xffff"), "lid"), (lids(sm="0x0"), "subnet manager")],
)
def test_a_port_without_a_subnet_manager(judge, text, name) -> None:
    outcome = judge("sm", text)
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [(name, port("mlx5_0"), "no")]


def test_a_port_that_is_down_is_judged_elsewhere(judge) -> None:
    outcome = judge("sm", lids(lid="0x0", state="1: DOWN"))
    assert (outcome.verdict, {m.at for m in outcome.measurements}) == (
        Verdict.PASS,
        {port("mlx5_1"), port("mlx5_2")},
    )


def test_a_lid_that_is_not_told(judge) -> None:
    outcome = judge("sm", lids(sm=""))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "no LID is reported by mlx5_0")


# ------------------------------------------------------------------------------------------------ partition


@pytest.mark.parametrize("keys", [("0xffff",), ("0x7fff", "0x8012"), ("0x0000", "0x8001")])
def test_a_full_member(judge, keys) -> None:
    assert judge("pkey", config(layer=IB, pkeys=keys)).verdict is Verdict.PASS


@pytest.mark.parametrize("keys", [("0x7fff",), ("0x0000",), ("0x7fff", "0x0012")])
def test_a_limited_member(judge, keys) -> None:
    outcome = judge("pkey", config(layer=IB, pkeys=keys))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("link.pkey.full", port("mlx5_0"), 0)]


def test_the_partition_that_the_profile_names(judge) -> None:
    outcome = judge("pkey", config(layer=IB, pkeys=("0x8001",)), limits={"link.pkey": ("==", "0xffff")})
    assert bad(outcome) == [("link.pkey", port("mlx5_0"), "0x8001")]


# ---------------------------------------------------------------------------------------------- GID and MTU


def test_roce_v2_addresses(judge, values) -> None:
    outcome = judge("gid", config())
    assert outcome.verdict is Verdict.PASS
    assert values(outcome)[:2] == [
        ("link.gid", port("mlx5_0"), 1, True),
        ("link.gid.index", port("mlx5_0"), 3, True),
    ]


def test_an_address_of_the_own_wire_only(judge) -> None:
    outcome = judge("gid", config(ip=""))
    assert bad(outcome) == [("link.gid", port("mlx5_0"), 0)]


def test_one_port_with_another_mtu(judge) -> None:
    outcome = judge("mtu", config(mtu=1500))
    assert bad(outcome) == [("link.mtu", port("mlx5_0"), 1500)]
    planned = judge("mtu", config(), limits={"link.mtu": ("==", 4200)})
    assert len(bad(planned)) == 3


def test_ports_that_do_not_agree_on_an_mtu(judge) -> None:
    outcome = judge("mtu", config(mtu=1500), facts={"fabric.hcas": HCAS[:2]})
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())


def test_identity(judge, values) -> None:
    outcome = judge("identity", config())
    assert outcome.verdict is Verdict.PASS
    assert values(outcome)[:3] == [
        ("guid", port("mlx5_0"), "a088:c203:0000:0000", True),
        ("hardware address", port("mlx5_0"), "a0:88:c2:00:00:00", True),
        ("ip address", port("mlx5_0"), "10.31.4.2", True),
    ]


# ------------------------------------------------------------------------------------------------ addresses


def addresses(first: list[dict[str, object]]) -> str:
    """`ip -j addr` (invented): the first interface has these addresses."""
    usual = [{"family": "inet", "local": "10.0.0.2", "prefixlen": 16, "scope": "global"}]
    rows = [
        {"ifname": f"eth{n}", "ifindex": n + 2, "flags": ["UP", "LOWER_UP"], "mtu": 9000, "operstate": "UP",
         "addr_info": first if n == 0 else usual}
        for n in range(3)
    ]  # fmt: skip
    return json.dumps(rows)


def interfaces_of_devices() -> str:
    return "".join(f"{BASE}/mlx5_{n}/device/net/eth{n}/operstate:up\n" for n in range(3))


def test_an_address_for_every_port(judge) -> None:
    own = [{"family": "inet", "local": "10.0.0.9", "prefixlen": 16, "scope": "global"}]
    outcome = judge("address", interfaces_of_devices(), ADDRESSES=(ip_link, addresses(own)))
    assert outcome.verdict is Verdict.PASS
    assert next(m.value for m in outcome.measurements if m.name == "ip") == "10.0.0.9/16"


def test_a_port_with_nothing_but_its_own_wire(judge) -> None:
    local = [{"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}]
    outcome = judge("address", interfaces_of_devices(), ADDRESSES=(ip_link, addresses(local)))
    assert bad(outcome) == [("link.address", port("mlx5_0"), 0)]


# --------------------------------------------------------------------------------------------- flow control


def test_flow_control_alike(judge, corpus_text, values) -> None:
    text = corpus_text(QOS)
    outcome = judge("qos", interfaces(text, text, text))
    assert outcome.verdict is Verdict.PASS
    assert ("link.qos.pfc", port("mlx5_0"), "3", True) in values(outcome)
    assert ("link.qos.trust", port("mlx5_0"), "dscp", True) in values(outcome)


def test_flow_control_of_one_port(judge, corpus_text) -> None:
    text = corpus_text(QOS)
    off = text.replace("enabled     0   0   0   1", "enabled     0   0   0   0").replace(
        "state: dscp", "state: pcp"
    )
    outcome = judge("qos", interfaces(off, text, text))
    assert bad(outcome) == [
        ("link.qos.trust", port("mlx5_0"), "pcp"),
        ("link.qos.pfc", port("mlx5_0"), "none"),
    ]


def test_flow_control_that_the_profile_names(judge, corpus_text) -> None:
    text = corpus_text(QOS)
    outcome = judge("qos", interfaces(text, text, text), limits={"link.qos.pfc": ("==", "5")})
    assert len(bad(outcome)) == 3


def test_flow_control_that_cannot_be_read(judge, corpus_text) -> None:
    text = corpus_text(QOS)
    broken = interfaces("Traceback\nNetlink error: Operation not permitted", status=1)
    good = interfaces(text, text, text)
    outcome = judge("qos", broken + good[good.index("=== mlx5_1") :])
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason == "mlnx_qos tells nothing of mlx5_0 (Netlink error: Operation not permitted)"


# ------------------------------------------------------------------------------------------------- Ethernet


def fec(word: str) -> str:
    """`ethtool --show-fec` (invented)."""
    return f"FEC parameters for eth0:\nSupported/Configured FEC encodings: Auto RS\nActive FEC encoding: {word}\n"


@pytest.fixture
def settings(corpus_text) -> str:
    return corpus_text("ethtool/01-azure-endure-54g.txt")


def test_speed_and_error_correction(judge, settings, values) -> None:
    answers = interfaces(settings, settings, settings)
    outcome = judge("ethernet", answers, FEC=(per_interface, interfaces(fec("RS"), fec("RS"), fec("RS"))))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert ("speed", port("mlx5_0"), 54.0, True) in values(outcome)
    assert ("link.fec", port("mlx5_2"), "RS", True) in values(outcome)


def test_a_slow_port_and_one_without_correction(judge, settings) -> None:
    slow = settings.replace("54000Mb/s", "25000Mb/s")
    answers = interfaces(slow, settings, settings)
    outcome = judge("ethernet", answers, FEC=(per_interface, interfaces(fec("RS"), fec("Off"), fec("RS"))))
    assert bad(outcome) == [("speed", port("mlx5_0"), 25.0), ("link.fec", port("mlx5_1"), "Off")]
    assert [m.code for m in outcome.measurements if not m.ok] == ["LINK-SPEED", "LINK-FEC"]


def test_the_speed_of_a_port_without_link_means_nothing(judge, settings) -> None:
    down = settings.replace("Link detected: yes", "Link detected: no")
    fecs = interfaces(fec("None"), fec("RS"), fec("RS"))
    outcome = judge("ethernet", interfaces(down, settings, settings), FEC=(per_interface, fecs))
    assert outcome.verdict is Verdict.PASS
    assert port("mlx5_0") not in {m.at for m in outcome.measurements}
    none = judge("ethernet", interfaces(down, down, down), FEC=(per_interface, fecs))
    assert (none.verdict, none.reason) == (Verdict.ERROR, "no planned port has link (link.state says why)")


def test_correction_that_is_not_told_is_no_pass(judge, settings) -> None:
    fecs = interfaces("Cannot get FEC settings: Operation not supported", status=1)
    more = interfaces(fec("RS"), fec("RS"), fec("RS"))
    outcome = judge(
        "ethernet",
        interfaces(settings, settings, settings),
        FEC=(per_interface, fecs + more[more.index("=== mlx5_1") :]),
    )
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "mlx5_0 does not tell its error correction")
