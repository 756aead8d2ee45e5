"""What a tenant or an installer left on a node, and what the node does not reach."""

from __future__ import annotations

from bringup.mock.faults.expected import CONFIGURATION, HANDS_ON, NODE_AT, PORT_AT, SOFTWARE, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import HCA, Kind, hca_of, in_node
from bringup.mock.hardware import Container, Nic, SimNode

_STRANGER = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDTZW5hbnQtbGVmdC10aGlzLWtleS1iZWhpbmQ= somebody@laptop"
_SITE = "example-site"
_SITE_ROCE = "example-site-roce"


@in_node(
    Kind(
        "container-left",
        "a container of the last tenant was never removed",
        expected=(Expected("CONTAINER-LEFT", NODE_AT, SOFTWARE),),
    )
)
def _container_left(node: SimNode, given: Given) -> None:
    image = "registry.example.com/llm/train:2026.10"
    node.left.containers.append(Container("8c1d77aa0b42", "Exited (137) 3 days ago", image, "train-job-4711"))


@in_node(
    Kind(
        "foreign-key",
        "somebody's key was added to root's authorized_keys",
        expected=(Expected("SSH-KEY-FOREIGN", NODE_AT, SOFTWARE),),
    )
)
def _foreign_key(node: SimNode, given: Given) -> None:
    node.left.keys.append(_STRANGER)


@in_node(
    Kind(
        "files-left",
        "shared memory of a collective that was killed lies in /dev/shm",
        expected=(Expected("FILES-LEFT", NODE_AT, SOFTWARE),),
    )
)
def _files_left(node: SimNode, given: Given) -> None:
    node.left.shared_files |= {"nccl-9Xb2Ta": 9637, "nccl-Qk81vR": 9637}


@in_node(
    Kind(
        "huge-pages-left",
        "huge pages are in use although nothing runs",
        (Param("pages", "count", default=4096, examples=(512, 4096)),),
        (Expected("HUGEPAGES-LEFT", NODE_AT, SOFTWARE),),
    )
)
def _huge_pages_left(node: SimNode, given: Given) -> None:
    node.left.huge_pages = given.whole("pages")


@in_node(
    Kind(
        "segments-left",
        "System V shared memory is left that nobody is attached to",
        expected=(Expected("SHARED-MEMORY-LEFT", NODE_AT, SOFTWARE),),
    )
)
def _segments_left(node: SimNode, given: Given) -> None:
    node.left.segments += [1 << 30, 4096]


# ------------------------------------------------------------------------------------- what a site has planned


@in_node(
    Kind(
        "endpoint-unreachable",
        "the node does not reach a server that its profile (as example-site does) names",
        expected=(Expected("ENDPOINT-UNREACHABLE", NODE_AT, CONFIGURATION),),
        needs=("hgx-h100",),
        profile=_SITE,
    )
)
def _endpoint_unreachable(node: SimNode, given: Given) -> None:
    node.unreachable.add("10.0.0.9:2049")


@in_node(
    Kind(
        "interface-mtu",
        "an interface that its profile (as example-site does) names has another MTU",
        expected=(Expected("INTERFACE-MTU", NODE_AT, CONFIGURATION),),
        needs=("hgx-h100",),
        profile=_SITE,
    )
)
def _interface_mtu(node: SimNode, given: Given) -> None:
    node.nics[0].mtu = 9000


@in_node(
    Kind(
        "network-slow",
        "data goes at a fraction over the interface to the storage, whose link looks well (as example-site measures it)",
        expected=(Expected("NETWORK-BW", NODE_AT, HANDS_ON),),
        needs=("hgx-h100",),
        profile=_SITE,
    )
)
def _network_slow(node: SimNode, given: Given) -> None:
    for nic in node.nics:
        nic.tcp_fraction = 0.3


@in_node(
    Kind(
        "interface-down",
        "an interface that its profile (as example-site does) names has no link",
        expected=(Expected("INTERFACE-DOWN", NODE_AT, HANDS_ON),),
        needs=("hgx-h100",),
        profile=_SITE,
    )
)
def _interface_down(node: SimNode, given: Given) -> None:
    node.nics[0].link = False


@in_node(
    Kind(
        "port-not-authenticated",
        "a RoCE port is not let in by its switch, whose ports its profile (as example-site-roce does) says to be guarded",
        (HCA,),
        (Expected("PORT-AUTH", PORT_AT, CONFIGURATION),),
        needs=("hgx-h100-roce",),
        profile=_SITE_ROCE,
    )
)
def _port_not_authenticated(node: SimNode, given: Given) -> None:
    hca_of(node, given).authenticated = False


# ---------------------------------------------------------------------------------------------- BlueField cards


def _card(node: SimNode) -> Nic:
    return next(nic for nic in node.nics if nic.kind.is_dpu)


@in_node(
    Kind(
        "dpu-mode",
        "a BlueField card is in DPU mode, the others in NIC mode",
        expected=(Expected("DPU-MODE", NODE_AT, CONFIGURATION),),
        needs=("dpu",),
    )
)
def _dpu_mode(node: SimNode, given: Given) -> None:
    _card(node).mode = "dpu"


@in_node(
    Kind(
        "dpu-disagrees",
        "a BlueField card runs in DPU mode, and its settings tell the host that it is in NIC mode",
        expected=(Expected("DPU-DISAGREES", NODE_AT, SOFTWARE),),
        needs=("dpu",),
    )
)
def _dpu_disagrees(node: SimNode, given: Given) -> None:
    _card(node).own_mode = "dpu"


@in_node(
    Kind(
        "dpu-pending",
        "a BlueField card was told to change its mode and has not been switched off since",
        expected=(Expected("DPU-PENDING", NODE_AT, SOFTWARE),),
        needs=("dpu",),
    )
)
def _dpu_pending(node: SimNode, given: Given) -> None:
    _card(node).next_mode = "dpu"
