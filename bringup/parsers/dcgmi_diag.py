"""`dcgmi diag`: the tests that NVIDIA's data center tool runs on the GPUs of a node, from its JSON (`-j`).

Names of tests and the root of the document change with the version, so only `test_categories` is looked for. Skip and
Not Run are no pass, and a pass of the deployment tests does not prove that CUDA works. The table for people, which
cuts and wraps its texts, is read in `dcgmi_table`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.reading_json import count, document_among_lines, items, mapping, words

PASS, FAIL, WARN, SKIP, NOT_RUN = "Pass", "Fail", "Warn", "Skip", "Not Run"

_STATUS = {
    "pass": PASS, "fail": FAIL, "warn": WARN, "warning": WARN, "skip": SKIP, "skipped": SKIP,
    "notrun": NOT_RUN, "not run": NOT_RUN, "not_run": NOT_RUN,
}  # fmt: skip
_IDS = re.compile(r"[0-9]{1,4}(?:\s*,\s*[0-9]{1,4}){0,255}")


def diag(level: int) -> Command:
    """Runs the tests of one level: 1 takes seconds, 2 minutes, 3 half an hour. Levels over 1 load all GPUs."""
    return Command(
        f"dcgmi diag -r {level:d} -j",
        needs=("dcgmi",),
        root=True,
        timeout_s={1: 120.0, 2: 900.0}.get(level, 7200.0),
        alone=level > 1,
        max_bytes=8 << 20,
        estimate_s={1: 10.0, 2: 180.0}.get(level, 1800.0),
    )


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one test. `gpus` None: it stands for all GPUs, or for the node."""

    status: str
    gpus: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class DiagTest:
    """One test with its results and what it says about them. `category` None: cut away before the test."""

    name: str
    category: str | None
    results: tuple[Result, ...]
    messages: tuple[str, ...] = ()

    def gpus(self, status: str) -> tuple[int, ...]:
        """The GPUs with this result, as far as it names them."""
        return tuple(gpu for result in self.results if result.status == status for gpu in result.gpus or ())

    @property
    def worst(self) -> str:
        """The worst of its results: a single failure counts more than any number of passes."""
        order = (FAIL, WARN, NOT_RUN, SKIP, PASS)
        return min((result.status for result in self.results), key=order.index)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One run. `facts` are versions and devices as the tool names them.

    `whole` is False where the end is missing: then a failure is proven, and a pass is not. `stray` are messages that
    stand before any test.
    """

    tests: tuple[DiagTest, ...]
    facts: Mapping[str, str]
    whole: bool = True
    stray: tuple[str, ...] = ()


def status(text: str, what: str) -> str:
    """One of the five words, however this version writes it."""
    word = _STATUS.get(text.strip().lower())
    if word is None:
        raise ParseError(f"dcgmi diag: {what} is {quoted(text)}")
    return word


def gpu_list(text: str, what: str) -> tuple[int, ...]:
    """The numbers of a list such as `0, 1, 2`."""
    if not _IDS.fullmatch(text.strip()):
        raise ParseError(f"dcgmi diag: the GPUs of {what} are {quoted(text)}")
    return tuple(whole(part.strip(), what) for part in text.split(","))


def parse(text: str) -> Diagnosis:
    """The run of a JSON report. Raises ParseError where it is cut off or names an error instead of tests."""
    root = mapping(document_among_lines(text, "dcgmi diag"), "dcgmi diag: the document")
    body = next((v for v in root.values() if isinstance(v, dict) and "test_categories" in v), root)
    if "test_categories" not in body:
        said = next((str(v) for d in (root, *root.values()) for v in _errors(d)), text)
        raise ParseError(f"dcgmi diag ran no test: {quoted(said, 200)}")
    tests = tuple(_tests(body["test_categories"]))
    if not tests:
        raise ParseError("dcgmi diag ran no test")
    facts = {**body, **mapping(root.get("metadata", {}), "dcgmi diag: metadata")}
    return Diagnosis(tests, {key: value for key, value in facts.items() if isinstance(value, str)})


def _errors(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (own for key, own in value.items() if "error" in str(key))


def _objects(value: object, what: str) -> Iterator[dict[str, object]]:
    """The objects of a list; the tool leaves null between them."""
    for entry in items(value, what):
        if entry is not None:
            yield mapping(entry, what)


def _tests(value: object) -> Iterator[DiagTest]:
    for category in _objects(value, "dcgmi diag: test_categories"):
        name = words(category.get("category"), "dcgmi diag: category")
        for test in _objects(category.get("tests"), f"dcgmi diag: tests of {name}"):
            yield _test(test, name)


def _test(entry: dict[str, object], category: str) -> DiagTest:
    name = words(entry.get("name"), "dcgmi diag: name of a test")
    found = list(_objects(entry.get("results"), f"dcgmi diag: results of {name}"))
    if not found:
        raise ParseError(f"dcgmi diag: {name} has no result")
    return DiagTest(
        name=name,
        category=category,
        results=tuple(
            Result(status(words(r.get("status"), f"dcgmi diag: status of {name}"), name), _gpus(r, name))
            for r in found
        ),
        messages=tuple(text for result in found for text in _messages(result)),
    )


def _gpus(entry: dict[str, object], name: str) -> tuple[int, ...] | None:
    """Versions name the GPUs `gpu_ids`, `gpu_id`, or as an entity of the group GPU."""
    for key in ("gpu_ids", "gpu_id"):
        if isinstance(value := entry.get(key), str) and value.strip():
            return gpu_list(value, name)
    if entry.get("entity_group") == "GPU" and "entity_id" in entry:
        return (count(entry["entity_id"], f"dcgmi diag: entity_id of {name}"),)
    return None


def _messages(entry: dict[str, object]) -> Iterator[str]:
    for key in ("warnings", "info"):
        value = entry.get(key)
        for one in value if isinstance(value, list) else [value]:
            said = one.get("warning") if isinstance(one, dict) else one
            if isinstance(said, str) and said:
                yield said[:1000]
