"""Keys of a simulated cluster: made anew for every cluster, kept only in its folder."""

from __future__ import annotations

import io
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def new_key(file: Path | None = None) -> paramiko.PKey:
    """A new ed25519 key; with a file it is also written there, readable by its owner only."""
    text = (
        Ed25519PrivateKey.generate()
        .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        .decode()
    )
    if file is not None:
        file.touch(mode=0o600)
        file.write_text(text, encoding="ascii")
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text))


def known_hosts_line(port: int, key: paramiko.PKey) -> str:
    """The line of known_hosts for a port of the loopback interface."""
    return f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
