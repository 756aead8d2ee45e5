"""How the ranks of a collective work together: torch.distributed, or a ring of sockets where there is no PyTorch.

Part of the program `collective`, sent with it as one text.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

LANE = 8


class Ring:
    """Sums of 64-bit numbers around a ring of sockets. Numbers lie side by side in one large integer."""

    name, place, wrong = "tcp", None, 0

    def __init__(self, rank: int, ranks: int, own: str) -> None:
        self.rank, self.ranks = rank, ranks
        self._ear = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET)
        self._ear.bind((own, 0))
        self._ear.listen(64)
        self.address = list(self._ear.getsockname()[:2])
        self._ends: dict[tuple[str, int], socket.socket] = {}
        self.heard = 0.0

    def join(self, addresses: list[Any]) -> None:
        self._addresses = addresses

    def _to(self, rank: int) -> socket.socket:
        if ("to", rank) not in self._ends:
            end = socket.create_connection(tuple(self._addresses[rank]))
            end.sendall(self.rank.to_bytes(4, "big"))
            self._ends["to", rank] = end
        return self._ends["to", rank]

    def _of(self, rank: int) -> socket.socket:
        while ("of", rank) not in self._ends:
            end, _ = self._ear.accept()
            self._ends["of", int.from_bytes(exactly(end, 4), "big")] = end
        return self._ends["of", rank]

    def swap(self, data: bytes, to: int, of: int) -> bytes:
        """Send to one rank and receive as much from another, at the same time."""
        there = self._to(to)
        here = self._of(of)
        sender = threading.Thread(target=there.sendall, args=(data,), daemon=True)
        sender.start()
        got = exactly(here, len(data))
        self.heard = time.perf_counter()
        sender.join()
        return got

    def all_reduce(self, numbers: list[int]) -> list[int]:
        return unpacked(self.all_reduce_bytes(packed(numbers)))

    def all_reduce_bytes(self, data: bytes) -> bytes:
        n, size = self.ranks, -(-len(data) // LANE // self.ranks) * LANE
        parts = [data[k * size : (k + 1) * size].ljust(size, b"\0") for k in range(n)]
        to, of = (self.rank + 1) % n, (self.rank - 1) % n
        for step in range(n - 1):
            k = (self.rank - step - 1) % n
            got = self.swap(parts[(self.rank - step) % n], to, of)
            total = int.from_bytes(got, "little") + int.from_bytes(parts[k], "little")
            parts[k] = total.to_bytes(size, "little")
        for step in range(n - 1):
            parts[(self.rank - step) % n] = self.swap(parts[(self.rank + 1 - step) % n], to, of)
        return b"".join(parts)[: len(data)]

    def all_gather(self, number: int) -> list[int]:
        mine = [0] * self.ranks
        mine[self.rank] = number
        return self.all_reduce(mine)

    def timed(self, size: int) -> float:
        data = bytes(size)
        begun = time.perf_counter()
        got = self.all_reduce_bytes(data)
        taken = time.perf_counter() - begun
        self.wrong += len(got) - got.count(0)
        return taken

    def link(self, size: int, to: int, of: int) -> float:
        """Seconds until all has come; how long it takes to get rid of the own part is the other's measure."""
        data = bytes(size)
        self.swap(data[:LANE], to, of)
        self.all_gather(self.rank)
        begun = time.perf_counter()
        self.swap(data, to, of)
        return self.heard - begun

    def leave(self) -> None:
        for end in self._ends.values():
            end.close()


class Torch:
    """torch.distributed over gloo or NCCL."""

    def __init__(self, torch: ModuleType, name: str, rank: int, ranks: int, local: int) -> None:
        self.torch, self.name, self.rank, self.ranks = torch, name, rank, ranks
        self.wrong = 0
        self.place, self.address = "cpu", None
        self.heard = 0.0
        if name == "nccl":
            if local >= torch.cuda.device_count():
                raise RuntimeError("there is no such GPU")
            torch.cuda.set_device(local)
            self.place = f"cuda:{local}"
        else:
            torch.set_num_threads(1)

    def join(self, seconds: float, host: str, port: int, own: str) -> None:
        network = interface(own)
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME") if network else ():
            os.environ.setdefault(name, network)
        os.environ.update(
            MASTER_ADDR=host, MASTER_PORT=str(port), RANK=str(self.rank), WORLD_SIZE=str(self.ranks)
        )
        self.dist = importlib.import_module("torch.distributed")
        limit = datetime.timedelta(seconds=seconds)
        self.dist.init_process_group(self.name, init_method="env://", timeout=limit)

    def _ended(self) -> None:
        if self.name == "nccl":
            self.torch.cuda.synchronize()

    def all_reduce(self, numbers: list[int]) -> list[int]:
        values = self.torch.tensor(numbers, dtype=self.torch.int64, device=self.place)
        self.dist.all_reduce(values)
        return [int(value) for value in values.tolist()]

    def all_gather(self, number: int) -> list[int]:
        mine = self.torch.tensor([number], dtype=self.torch.int64, device=self.place)
        all_of_them = [self.torch.zeros_like(mine) for _ in range(self.ranks)]
        self.dist.all_gather(all_of_them, mine)
        return [int(value) for value in all_of_them]

    def timed(self, size: int) -> float:
        values = self.torch.ones(size // 4, dtype=self.torch.float32, device=self.place)
        self._ended()
        begun = time.perf_counter()
        self.dist.all_reduce(values)
        self._ended()
        taken = time.perf_counter() - begun
        self.wrong += int((values != float(self.ranks)).sum())
        return taken

    def _swap(self, values: Any, to: int, of: int) -> None:
        got = self.torch.empty_like(values)
        operation, dist = self.dist.P2POp, self.dist
        both = [operation(dist.irecv, got, of), operation(dist.isend, values, to)]
        first, *rest = dist.batch_isend_irecv(both)
        first.wait()
        self._ended()
        self.heard = time.perf_counter()
        for waiting in rest:
            waiting.wait()

    def link(self, size: int, to: int, of: int) -> float:
        """Seconds until all has come; how long it takes to get rid of the own part is the other's measure."""
        values = self.torch.ones(size // 4, dtype=self.torch.float32, device=self.place)
        self._swap(values[:2], to, of)
        self.all_gather(self.rank)
        begun = time.perf_counter()
        self._swap(values, to, of)
        return self.heard - begun

    def leave(self) -> None:
        with contextlib.suppress(Exception):
            self.dist.destroy_process_group()


def exactly(end: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = end.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionError("the neighbour closed its connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def packed(numbers: list[int]) -> bytes:
    return b"".join(number.to_bytes(LANE, "little") for number in numbers)


def unpacked(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + LANE], "little") for at in range(0, len(data), LANE)]


def interface(address: str) -> str:
    """The network interface that has this address; empty where it cannot be told."""
    with contextlib.suppress(OSError, ImportError):
        ioctl = importlib.import_module("fcntl").ioctl
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            for _, name in socket.if_nameindex():
                with contextlib.suppress(OSError):
                    found = ioctl(asked.fileno(), 0x8915, name.encode()[:15].ljust(256, b"\0"))
                    if socket.inet_ntoa(found[20:24]) == address:
                        return name
    return ""
