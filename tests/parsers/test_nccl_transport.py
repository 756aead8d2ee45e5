"""Which way a collective took, from NCCL's own lines as people have shown them in the project's issues."""

from __future__ import annotations

import pytest

from bringup.parsers.nccl_transport import Way, parse, wrong_ways

# NVIDIA/nccl-tests issue 188: one host found no adapter, the other did. Addresses are examples.
MIXED = """\
user:16902:16954 [3] NCCL INFO NET/Socket : Using [0]ibs85f0:192.0.2.10<0> [1]ib0:192.0.2.11<0>
user:16902:16954 [3] NCCL INFO Using network Socket
user:16906:16952 [7] NCCL INFO NET/IB : No device found.
user:16906:16952 [7] NCCL INFO NVLS multicast support is not available on dev 7
other:695836:695883 [5] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_2:1/IB [2]mlx5_4:1/RoCE [RO]; OOB ibs85f0:192.0.2.14<0>
other:695836:695883 [5] NCCL INFO Using network IB
"""
# NVIDIA/nccl issue 1357: an external plugin with SHARP.
PLUGIN = """\
qh100-gpu20:39636:39690 [7] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB/SHARP [1]mlx5_1:1/IB/SHARP [RO]; OOB ibp25s0:192.0.2.120<0>
qh100-gpu20:39636:39690 [7] NCCL INFO Using network IBext
"""
# NVIDIA/nccl issue 1584 and 1538, and the newest form of the line with the channels.
NVLS = """\
ip-192-0-2-1.example.net:5668:5722 [5] NCCL INFO NVLS multicast support is available on dev 5
ip-192-0-2-1.example.net:5669:5735 [6] NCCL INFO NVLS multicast support is not available on dev 6 (NVLS_NCHANNELS 0)
ip-192-0-2-1.example.net:5669:5735 [6] NCCL INFO MNNVL busId 0x1a000 fabric UUID 0.0 cliqueId 0x0 state 3 healthMask 0x0
"""
CHANNELS = """\
[1,0]<stdout>:a:11:12 [0] NCCL INFO Channel 00/0 : 8[0] -> 0[0] [receive] via NET/IB/0/GDRDMA
[1,0]<stdout>:a:11:12 [0] NCCL INFO Channel 01/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA(PCI)
b:11:12 [0] NCCL INFO Channel 00/0 : 0[0] -> 8[0] [receive] via NET/IBext_v8/3
c:11:12 [0] NCCL INFO Channel 00/0 : 0[0] -> 8[0] [send] via NET/Socket/1
c:11:12 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM/read
d:11:12 [0] NCCL INFO comm 0x5596 rank 0 nRanks 8 nNodes 1 localRanks 8 localRank 0 MNNVL 1
e:11:12 [0] NCCL INFO MNNVL 0 cliqueId 0 cliqueSize 4 cliqueRank 0
f:11:12 [0] NCCL INFO Channel 00/0 : 0[0] -> 8[0] via P2P/MNNVL
"""  # invented from the forms of the sources


def test_two_hosts_on_different_networks() -> None:
    assert parse(MIXED) == {
        "user": Way(networks={"Socket"}, no_nvls={7}),
        "other": Way(networks={"IB"}, hcas={"mlx5_0", "mlx5_2", "mlx5_4"}),
    }


def test_a_plugin_and_sharp() -> None:
    assert parse(PLUGIN) == {"qh100-gpu20": Way(networks={"IBext"}, hcas={"mlx5_0", "mlx5_1"})}


def test_reductions_in_the_switches() -> None:
    assert parse(NVLS) == {"ip-192-0-2-1": Way(nvls={5}, no_nvls={6})}


def test_channels_and_nvlink_between_nodes() -> None:
    assert parse(CHANNELS) == {
        "a": Way(direct=2),
        "b": Way(through_host=1),
        "c": Way(over_sockets=1),
        "d": Way(mnnvl=True),
        "e": Way(mnnvl=False),
        "f": Way(mnnvl=True),
    }


@pytest.mark.parametrize(
    "text", ["", "hello", "# Using devices\n", "a:1:2 [0] NCCL WARN NET/IB : Using [0]x:1/IB"]
)
def test_a_log_that_says_nothing(text: str) -> None:
    assert parse(text) == {}


GOOD = Way(networks={"IB"}, hcas={"mlx5_0", "mlx5_1", "mlx5_9"}, direct=4, nvls={0, 1}, mnnvl=False)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (GOOD, []),
        (Way(networks={"AWS Libfabric"}), []),
        (Way(networks={"IB"}, hcas={"mlx5_0"}), ["1 of 2 fabric ports are used, without mlx5_1"]),
        (Way(networks={"Socket"}, over_sockets=2), ["the data goes over TCP sockets (NET/Socket), not over the fabric ports"]),
        (Way(over_sockets=2), ["the data goes over TCP sockets (NET/Socket), not over the fabric ports"]),
        (Way(networks={"IB"}, through_host=3),
         ["the data goes through the host's memory, without GPUDirect RDMA (no GDRDMA)"]),
        (Way(networks={"IB"}, through_host=3, direct=1), []),
        (Way(no_nvls={1, 0}), ["NVLS, the reduction in the NVSwitches, is not available on GPU 0, 1"]),
        (Way(mnnvl=True, networks={"Socket"}), []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_way(way: Way, said: list[str]) -> None:
    assert wrong_ways(way, ("mlx5_1", "mlx5_0"), nvls=True, direct=True) == said


def test_what_is_not_expected_is_not_missed() -> None:
    assert wrong_ways(Way(no_nvls={0}, networks={"Socket"}), (), nvls=False, direct=True) == []
    assert wrong_ways(Way(networks={"IB"}, through_host=3), ("x",), nvls=False, direct=False) == []
    assert wrong_ways(GOOD, (), nvls=True, direct=True) == []
    assert wrong_ways(Way(), ("x",), nvls=True, direct=True) == []
