"""Programs that tell what tenants left, and what a node reaches: docker, ssh-keygen, nc, wpa_cli."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_BITS = {"ssh-ed25519": 256, "ssh-rsa": 3072, "ecdsa-sha2-nistp256": 256}
_NC_HELP = (
    "OpenBSD netcat (Debian patchlevel 1.218-4ubuntu1)\nusage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-w timeout] ...\n"
    "\t\t-w timeout\tTimeout for connects and final net reads\n\t\t-z\t\tZero-I/O mode [used for scanning]\n"
)


def docker(call: Call) -> Reply:
    """Only `ps -a` with the format `ID|Status|Image|Names`; the daemon answers root alone."""
    if not call.as_root:
        return Reply(1, stderr="permission denied while trying to connect to the Docker daemon socket\n")
    if call.args[:2] != ("ps", "-a"):
        return Reply(1, stderr=f"docker: '{' '.join(call.args[:1])}' is not simulated.\n")
    rows = [f"{c.id}|{c.status}|{c.image}|{c.name}\n" for c in call.node.left.containers]
    return Reply(stdout="".join(rows))


def ssh_keygen(call: Call) -> Reply:
    """Only `-l -f FILE`: the fingerprint of each key in a file of keys."""
    path = Path(Options(call.args, ("-f",)).get("-f"))
    if not path.is_relative_to(call.cluster.root_of(call.node.index)) or not path.is_file():
        return Reply(255, stderr=f"ssh-keygen: {path}: No such file or directory\n")
    rows = [
        row
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and (row := _fingerprint(line))
    ]
    return Reply(stdout="".join(rows)) if rows else Reply(255, stderr=f"{path} is not a public key file.\n")


def _fingerprint(line: str) -> str:
    kind, key, comment = (*line.split(" ", 2), "no comment")[:3]
    try:
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    except binascii.Error:
        return ""
    print_ = base64.b64encode(digest).decode().rstrip("=")
    word = kind.removeprefix("ssh-").partition("-")[0].upper()
    return f"{_BITS.get(kind, 256)} SHA256:{print_} {comment} ({word})\n"


def nc(call: Call) -> Reply:
    """Only `-z -w SECONDS HOST PORT`: every server is there but those that the node does not reach."""
    options = Options(call.args, ("-w",))
    if options.has("-h"):
        return Reply(1, stderr=_NC_HELP)
    if len(options.words) != 2:
        return Reply(1, stderr="nc: missing port number\n")
    return Reply(1 if ":".join(options.words) in call.node.unreachable else 0)


def wpa_cli(call: Call) -> Reply:
    """Only `-i INTERFACE status`: whether a RoCE port is authenticated to its switch."""
    name = Options(call.args, ("-i",)).get("-i")
    hca = next((h for h in call.node.hcas if h.present and h.netdev == name), None)
    if hca is None or hca.layer != "Ethernet" or not call.as_root:
        return Reply(
            255,
            stderr=f"Failed to connect to non-global ctrl_ifname: {name}  error: No such file or directory\n",
        )
    good = hca.authenticated
    return Reply(
        stdout="bssid=01:80:c2:00:00:03\nfreq=0\nssid=\nid=0\nmode=station\npairwise_cipher=NONE\ngroup_cipher=NONE\n"
        f"key_mgmt=IEEE 802.1X (no WPA)\nwpa_state={'COMPLETED' if good else 'ASSOCIATED'}\naddress={hca.mac}\n"
        f"Supplicant PAE state={'AUTHENTICATED' if good else 'HELD'}\n"
        f"suppPortStatus={'Authorized' if good else 'Unauthorized'}\nEAP state={'SUCCESS' if good else 'FAILURE'}\n"
    )
