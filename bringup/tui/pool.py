"""Equal parts of results are kept once: a large run says the same names, limits and places a million times over."""

from __future__ import annotations

from bringup.model import Limit, Measurement, Outcome


class Pool:
    """Gives back the first of equal texts, tuples and limits that it was shown."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._tuples: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._limits: dict[Limit, Limit] = {}

    def text(self, said: str) -> str:
        """The same text."""
        return self._texts.setdefault(said, said)

    def _tuple(self, said: tuple[str, ...]) -> tuple[str, ...]:
        known = self._tuples.get(said)
        if known is None:
            known = tuple(map(self.text, said))
            self._tuples[known] = known
        return known

    def outcome(self, o: Outcome) -> Outcome:
        """An equal outcome made of shared parts."""
        return Outcome(
            self.text(o.check), o.stage, self.text(o.target), self._tuple(o.nodes), o.verdict, self._tuple(o.at), o.attempt,
            self.text(o.reason), self.text(o.code), o.why, tuple(map(self._measurement, o.measurements)), o.findings,
            o.evidence, o.seconds, o.ended, self.text(o.error_at),
        )  # fmt: skip

    def _measurement(self, m: Measurement) -> Measurement:
        limit = None if m.limit is None else self._limits.setdefault(m.limit, m.limit)
        value = self.text(m.value) if isinstance(m.value, str) else m.value
        return Measurement(
            self.text(m.name), value, self.text(m.unit), self.text(m.at), limit, self.text(m.code)
        )
