"""One hop of a connection: a stream of bytes, the SSH handshake on it, and the check of the host's key."""

from __future__ import annotations

import errno
import logging
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE
from paramiko.packet import Packetizer

from bringup.errors import LostKind, TransportError
from bringup.transport.base import Cancel, Options
from bringup.transport.guard import at_most
from bringup.transport.hostkeys import HostKey, known_hosts

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its tracebacks land on stderr

_SLICE_S = 0.2
_CLOSE_S = 5.0
_PIECE, _LARGE_PIECE = 16 << 10, 64 << 10
_CIPHERS = ("aes128-gcm@openssh.com", "aes128-ctr")
_KEX = ("curve25519-sha256@libssh.org",)


@dataclass(frozen=True, slots=True)
class Hop:
    """A host to log in to. `names` are those that its key may be known by, the one to connect to first."""

    names: tuple[str, ...]
    port: int
    user: str
    key_file: str = ""
    certificate: str = ""

    @property
    def host(self) -> str:
        return self.names[0]

    def __str__(self) -> str:
        return self.host if self.port == 22 else f"{self.host} port {self.port}"


class _Buffered:
    """A socket that is read in large pieces: paramiko asks for two or three small ones for every packet.

    How long a call may block is set in the kernel (SO_RCVTIMEO): a timeout of Python's own costs a poll before every call.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._have = b""
        self._at = 0
        self._piece = _PIECE

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; b"" at the end. Only one thread reads."""
        if self._at >= len(self._have):
            # What is asked for is held while nothing comes: much only where much is on its way.
            self._piece = _LARGE_PIECE if len(self._have) >= self._piece else _PIECE
            self._have, self._at = b"", 0
            try:
                self._have = self._stream.recv(self._piece)
            except BlockingIOError:
                raise TimeoutError from None
        begin = self._at
        self._at = begin + size
        return self._have[begin : begin + size]

    def settimeout(self, seconds: float) -> None:
        """How long a call may block."""
        self._stream.settimeout(None)
        value = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
        with suppress(OSError):  # one that is shut down already; who reads it is told
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self._stream.setsockopt(socket.SOL_SOCKET, option, value)

    def __getattr__(self, name: str) -> object:
        """Everything else is the socket's own."""
        return getattr(self._stream, name)


class _Packetizer(Packetizer):
    """Without the timer thread that paramiko starts for every handshake and leaves behind when one fails."""

    def start_handshake(self, timeout: float) -> None:
        """The handshake has a deadline of ours."""


class _Line:
    """A channel's way into its transport: nothing passes after the message that ends the channel.

    In paramiko one thread may close a channel while another one is about to send. A server that is told of a channel
    that is no more ends the whole connection, a jump host's with all nodes behind it; and one that has given its number
    to the next channel would take it for that one's.
    """

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self.ended = False

    def _send_user_message(self, data: paramiko.Message) -> None:
        data.line = self  # type: ignore[attr-defined]
        self._transport._send_user_message(data)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)


class _Transport(paramiko.Transport):
    """Remembers, for every channel, the words with which the server refused it; paramiko only logs them. And gives every
    channel a line of its own."""

    def __init__(self, stream: socket.socket | paramiko.Channel) -> None:
        source = _Buffered(stream) if isinstance(stream, socket.socket) else stream
        super().__init__(source, packetizer_class=_Packetizer)  # type: ignore[arg-type]
        self._refusals: dict[int, str] = {}
        self._opening = threading.local()

    def _next_channel(self) -> int:
        number: int = super()._next_channel()  # type: ignore[misc]
        self._opening.number = number
        return number

    def _send_message(self, data: paramiko.Message) -> None:
        """Called for one message after the other."""
        line = getattr(data, "line", None)
        if line is not None:
            if line.ended:
                return
            line.ended = data.packet.getbuffer()[0] == MSG_CHANNEL_CLOSE
        super()._send_message(data)  # type: ignore[misc]

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        channel = self._channels.get(message.get_int())  # type: ignore[attr-defined]
        if channel is not None:
            channel.transport = _Line(self)
        message.rewind()
        super()._parse_channel_open_success(message)  # type: ignore[misc]

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        number, _, words = message.get_int(), message.get_int(), message.get_text()
        self._refusals[number] = words
        message.rewind()
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def take_refusal(self) -> str | None:
        """Why the channel that this thread tried to open last was refused; None if it was not. (The exception does
        not tell: paramiko keeps one for all threads.)"""
        return self._refusals.pop(getattr(self._opening, "number", -1), None)


class Session:
    """An SSH session over one stream, and the only way to end it that leaves no thread."""

    def __init__(self, hop: Hop, stream: socket.socket | paramiko.Channel) -> None:
        self.hop = hop
        self.login_s = 0.0
        self._stream = stream
        self.transport = _Transport(stream)

    def abort(self) -> None:
        """End it from any thread without blocking; whoever waits inside is woken."""
        if isinstance(self._stream, paramiko.Channel):
            self._stream.in_buffer.close()
        else:
            with suppress(OSError):
                self._stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it and wait for its thread."""
        self.abort()
        with at_most(_CLOSE_S, self.abort):
            self.transport.close()
            self._stream.close()
        if self.transport.is_alive() and self.transport is not threading.current_thread():
            self.transport.join(_CLOSE_S)

    def settle(self, options: Options) -> None:
        """From login on: keep the line alive, and do not look for work ten times a second as paramiko does."""
        self.transport.set_keepalive(max(1, round(options.keepalive_s)))
        self.transport.sock.settimeout(min(5.0, max(0.5, options.keepalive_s)))

    def tunnel(self, host: str, port: int, timeout_s: float) -> paramiko.Channel:
        """A stream to another host through this one. Raises TransportError in that host's name."""
        try:
            with at_most(timeout_s + _CLOSE_S, self.abort):
                return self.transport.open_channel(
                    "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_s
                )
        except (paramiko.SSHException, OSError, EOFError) as error:
            kind, why = _refusal(self.transport.take_refusal(), error)
            alive = self.transport.is_active()
            raise TransportError(
                kind if alive else LostKind.LOST,
                f"{host} port {port} through {self.hop}: {why}"
                if alive
                else f"jump host {self.hop}: connection lost",
            ) from error


def shake_hands(hop: Hop, via: Session | None, options: Options, cancel: Cancel | None) -> Session:
    """A session whose host key is accepted, not yet logged in. Raises TransportError."""
    if via is None:
        stream: socket.socket | paramiko.Channel = _dial(hop.host, hop.port, options, cancel)
    else:
        stream = via.tunnel(hop.host, hop.port, options.connect_timeout_s)
    session = Session(hop, stream)
    try:
        keys = known_hosts(options.known_hosts)
        _prefer(session.transport, [key.type for key in keys.keys(hop.names, hop.port)])
        done = threading.Event()
        session.transport.banner_timeout = options.banner_timeout_s
        session.transport.start_client(event=done)
        finished = wait_for(done, options.banner_timeout_s, cancel)
        if not finished or not session.transport.is_active():
            raise _no_handshake(session.transport, hop, options, finished)
        key = session.transport.get_remote_server_key()
        shown = HostKey(key.get_name(), key.get_base64())
        keys.check(hop.names, hop.port, shown, accept_new=options.accept_new_host_keys)
        return session
    except paramiko.SSHException as error:
        session.close()
        raise TransportError(LostKind.LOST, f"{hop}: {error}") from error
    except BaseException:
        session.close()
        raise


def wait_for(event: threading.Event, timeout_s: float, cancel: Cancel | None) -> bool:
    """Whether the event came in time. Raises TransportError if `cancel` came first."""
    deadline = time.monotonic() + timeout_s
    while not event.wait(max(0.0, min(_SLICE_S, deadline - time.monotonic()))):
        if cancel is not None and cancel.is_set():
            raise TransportError(LostKind.LOST, "cancelled")
        if time.monotonic() >= deadline:
            return False
    return True


def _prefer(transport: paramiko.Transport, known: Sequence[str]) -> None:
    """Cheap and sound algorithms first, and of the host keys the types that known_hosts can compare."""
    security = transport.get_security_options()
    security.ciphers = _first(_CIPHERS, security.ciphers)
    security.kex = _first(_KEX, security.kex)
    wanted = [
        t for name in known for t in (("rsa-sha2-512", "rsa-sha2-256") if name == "ssh-rsa" else (name,))
    ]
    security.key_types = _first(wanted, security.key_types)


def _first(wanted: Sequence[str], offered: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(w for w in wanted if w in offered), *offered]))


def _dial(host: str, port: int, options: Options, cancel: Cancel | None) -> socket.socket:
    """A TCP connection to the first of the host's addresses that answers."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise TransportError(LostKind.RESOLVE, f"{host}: {error}") from error
    deadline = time.monotonic() + options.connect_timeout_s
    first: TransportError | None = None
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        stream = socket.socket(family, kind, protocol)
        try:
            _connect(stream, address, share, cancel)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(
                socket, "TCP_USER_TIMEOUT"
            ):  # a peer that vanished is noticed, not waited for a quarter hour
                patience_ms = round(options.silence_s * 1000)
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)
            return stream
        except OSError as error:
            stream.close()
            first = first or TransportError(_kind_of(error), f"{host} port {port}: {error.strerror or error}")
        except TransportError:
            stream.close()
            raise
    raise first or TransportError(LostKind.RESOLVE, f"{host} has no address")


def _connect(stream: socket.socket, address: object, seconds: float, cancel: Cancel | None) -> None:
    """Connect in slices, so that a wish to stop is heard. Raises OSError."""
    stream.setblocking(False)
    code = stream.connect_ex(address)  # type: ignore[arg-type]
    deadline = time.monotonic() + max(0.1, seconds)
    poller = select.poll()
    poller.register(stream, select.POLLOUT)
    while code == errno.EINPROGRESS:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.3g} s")
        if cancel is not None and cancel.is_set():
            raise TransportError(LostKind.LOST, "cancelled")
        if poller.poll(min(left, _SLICE_S) * 1000):
            code = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, errno.errorcode.get(code, str(code)))


def _kind_of(error: OSError) -> LostKind:
    if isinstance(error, ConnectionRefusedError):
        return LostKind.REFUSED
    if isinstance(error, TimeoutError):
        return LostKind.TIMEOUT
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN):
        return LostKind.NO_ROUTE
    return LostKind.LOST


def _no_handshake(
    transport: paramiko.Transport, hop: Hop, options: Options, finished: bool
) -> TransportError:
    """Why the handshake did not come to its end."""
    if not finished:
        waited = f"{options.banner_timeout_s:g} s"
        if not transport.remote_version:
            return TransportError(LostKind.BANNER, f"{hop}: connected, but no SSH greeting within {waited}")
        return TransportError(LostKind.TIMEOUT, f"{hop}: greeted, but no handshake within {waited}")
    error = transport.get_exception()
    why = str(error) or "the connection was closed"
    if not transport.remote_version:
        return TransportError(LostKind.BANNER, f"{hop}: {why}")
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return TransportError(LostKind.BANNER, f"{hop}: no common way to speak SSH: {why}")
    return TransportError(LostKind.LOST, f"{hop}: in the handshake: {why}")


def _refusal(words: str | None, error: Exception) -> tuple[LostKind, str]:
    """The kind of trouble behind a tunnel that could not be opened; `words` are the jump host's."""
    said = (words or str(error)).strip()
    low = said.lower()
    if "timeout" in low or "timed out" in low:
        return LostKind.TIMEOUT, said
    if "refused" in low:
        return LostKind.REFUSED, said
    if "unreachable" in low or "no route" in low:
        return LostKind.NO_ROUTE, said
    if any(part in low for part in ("not known", "resolve", "resolution", "no address", "nodename")):
        return LostKind.RESOLVE, said
    if "prohibited" in low or (isinstance(error, paramiko.ChannelException) and error.code == 1):
        return (
            LostKind.REFUSED,
            f"the jump host does not allow it ({said}); see AllowTcpForwarding, PermitOpen",
        )
    return LostKind.LOST, said
