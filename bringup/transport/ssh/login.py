"""Logging in with public keys: which ones to try, and what to say when none is accepted.

A named key file is tried alone (with its certificate first), through the agent if it has a passphrase. Without one:
the agent's keys, then ~/.ssh/id_*. If there is no key at all the server is asked to let us in without one, which
some virtual private networks do.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import paramiko

from bringup.errors import LostKind, TransportError
from bringup.transport.base import Cancel, Options
from bringup.transport.guard import at_most
from bringup.transport.hostkeys import HostKey
from bringup.transport.ssh.wire import Hop, Session, shake_hands, wait_for

_DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Identity:
    """A key to try and how to name it in a message."""

    key: paramiko.PKey
    says: str


class _NeedsPassphrase(Exception):
    """The key file is encrypted."""


def open_session(hop: Hop, via: Session | None, options: Options, cancel: Cancel | None) -> Session:
    """A session that is logged in, directly or through another one. Raises TransportError."""
    began = time.monotonic()
    session = shake_hands(hop, via, options, cancel)
    try:
        log_in(session, hop, options, cancel)
        session.login_s = time.monotonic() - began
    except BaseException:
        session.close()
        raise
    return session


def log_in(session: Session, hop: Hop, options: Options, cancel: Cancel | None) -> None:
    """Authenticate and make the session ready for long use. Raises TransportError."""
    tried: list[str] = []
    with _agent(options) as agent:
        for identity in _identities(hop, agent, tried):
            tried.append(identity.says)
            if _try(session, hop, identity, options, cancel, tried):
                session.settle(options)
                return
    if not tried:
        if _without_key(session, hop, options):
            session.settle(options)
            return
        tried.append(
            "no key: no agent, no ~/.ssh/id_ed25519, id_ecdsa or id_rsa, and the inventory names none"
        )
    raise TransportError(LostKind.AUTH, f"{hop.user}@{hop} accepts none of: {'; '.join(tried)}")


def _try(
    session: Session, hop: Hop, identity: Identity, options: Options, cancel: Cancel | None, tried: list[str]
) -> bool:
    """Offer one key. Raises TransportError if it makes no sense to offer another."""
    transport = session.transport
    answered = threading.Event()
    try:
        transport.auth_publickey(hop.user, identity.key, event=answered)
        in_time = wait_for(answered, options.auth_timeout_s, cancel)
    except (paramiko.SSHException, OSError) as error:
        raise TransportError(LostKind.LOST, f"{hop}: while logging in: {error}") from error
    if transport.is_authenticated():
        return True
    offered = "; ".join(tried)
    if not in_time:
        raise TransportError(
            LostKind.TIMEOUT, f"{hop}: no answer to the login in {options.auth_timeout_s:g} s"
        )
    refusal = transport.get_exception()
    if isinstance(refusal, paramiko.BadAuthenticationType):
        allowed = ", ".join(map(str, refusal.allowed_types))
        raise TransportError(LostKind.AUTH, f"{hop.user}@{hop} takes no keys, only: {allowed}")
    if isinstance(refusal, paramiko.ssh_exception.PartialAuthentication):
        more = ", ".join(map(str, refusal.allowed_types))
        raise TransportError(
            LostKind.AUTH, f"{hop.user}@{hop} asks for more than a key: {more} (offered: {offered})"
        )
    if not transport.is_active():
        if len(tried) > 1 or isinstance(refusal, paramiko.AuthenticationException):
            why = "closed the connection after these keys (too many, or an unsuited one)"
            raise TransportError(LostKind.AUTH, f"{hop.user}@{hop} {why}: {offered}")
        raise TransportError(LostKind.LOST, f"{hop}: closed the connection during the login")
    return False


def _without_key(session: Session, hop: Hop, options: Options) -> bool:
    session.transport.auth_timeout = options.auth_timeout_s
    try:
        with at_most(options.auth_timeout_s + 1, session.abort):
            session.transport.auth_none(hop.user)
    except (paramiko.SSHException, OSError, EOFError):
        return False
    return session.transport.is_authenticated()


@contextmanager
def _agent(options: Options) -> Iterator[tuple[paramiko.AgentKey, ...]]:
    """The keys of the running agent, none if there is no agent that answers."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:  # paramiko leaks its socket when nobody answers
            probe.connect(os.environ.get("SSH_AUTH_SOCK", ""))
        agent = paramiko.Agent()
    except (paramiko.SSHException, OSError):
        yield ()
        return
    try:
        line = getattr(agent, "_conn", None)
        if isinstance(
            line, socket.socket
        ):  # an agent that waits for a finger on a token must not hold a thread
            line.settimeout(options.auth_timeout_s)
        yield agent.get_keys()
    finally:
        agent.close()


def _identities(hop: Hop, agent: tuple[paramiko.AgentKey, ...], tried: list[str]) -> Iterator[Identity]:
    """What to offer, in order. What cannot be used is noted in `tried`, for the message."""
    if hop.key_file:
        yield from _from_file(Path(hop.key_file).expanduser(), hop.certificate, agent, tried)
        return
    for key in agent:
        yield Identity(key, f"agent key {key.comment or ''} {_print(key)}")
    for name in _DEFAULTS:
        path = Path("~/.ssh").expanduser() / name
        if path.is_file():
            yield from _from_file(path, hop.certificate, agent, tried)


def _from_file(
    path: Path, certificate: str, agent: tuple[paramiko.AgentKey, ...], tried: list[str]
) -> Iterator[Identity]:
    """A key file: with its certificate, then plain. An encrypted one only through the agent."""
    try:
        cert = Path(certificate).expanduser() if certificate else path.with_name(f"{path.name}-cert.pub")
        if certificate or cert.is_file():
            yield Identity(_load(path, _stamp(path), cert, _stamp(cert)), f"{path} with certificate {cert}")
        key = _load(path, _stamp(path))
        yield Identity(key, f"{path} {_print(key)}")
    except _NeedsPassphrase:
        public = _public_text(path)
        for held in agent:
            if public and held.get_base64() == public:
                yield Identity(held, f"{path} through the agent {_print(held)}")
                return
        tried.append(f"{path} has a passphrase and the agent does not hold it (ssh-add {path})")
    except FileNotFoundError as error:
        tried.append(f"{error.filename} does not exist")
    except (OSError, ValueError, paramiko.SSHException) as error:
        tried.append(f"{path} cannot be used: {error}")


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the file does. Raises OSError."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=64)
def _load(
    path: Path, stamp: tuple[int, int], cert: Path | None = None, cert_stamp: tuple[int, int] = (0, 0)
) -> paramiko.PKey:
    """The private key, with the certificate if one is named. Kept, since reading an RSA key is dear and a thousand
    nodes share it. Raises _NeedsPassphrase, OSError, ValueError, SSHException."""
    try:
        key: paramiko.PKey = paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise _NeedsPassphrase(str(path)) from error
    key.public_blob = None
    if cert is not None:
        key.load_certificate(str(cert))
    return key


def _public_text(path: Path) -> str:
    """The base64 text of the public half beside the key; empty if there is none."""
    try:
        parts = path.with_name(f"{path.name}.pub").read_text("utf-8", "replace").split()
    except OSError:
        return ""
    return parts[1] if len(parts) > 1 else ""


def _print(key: paramiko.PKey) -> str:
    return HostKey(key.get_name(), key.get_base64()).fingerprint
