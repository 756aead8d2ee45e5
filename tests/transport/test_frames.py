"""The reader of frames: byte-exact, in any cuts, and never fooled by what a command prints."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bringup.commands import Ended
from bringup.transport.frames import Answer, Beat, Damaged, End, Fatal, Frame, FrameReader, Hello, Listens

TOKEN = "0123456789abcdef0123456789abcdef"
T = TOKEN.encode()


def frame(
    index: int, out: bytes, err: bytes, kind: bytes = b"exited", status: bytes = b"0", **more: int
) -> bytes:
    """An answer as node.sh writes it. # invented"""
    out_all, err_all = more.get("out_all", len(out)), more.get("err_all", len(err))
    head = b"%s answer %d %s %s 100 350 1 %d %d %d %d note\n" % (
        *(T, index, kind, status, len(out), len(err), out_all, err_all),
    )
    return head + out + err + T + b"\n"


def answer(index: int, out: bytes, err: bytes, truncated: bool = False) -> Answer:
    return Answer(index, Ended.EXITED, 0, 2.5, True, out, err, truncated, "note")


def read(data: bytes, caps: list[int], cuts: list[int] | None = None) -> list[Frame]:
    reader = FrameReader(TOKEN, caps)
    found: list[Frame] = []
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts or []), len(data)]
    for begin, end in pairwise(edges):
        found += reader.feed(data[begin:end])
    return found


# Output made of what could confuse a reader: our token, whole frames, line ends, NUL, and anything else.
nasty = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [T, T + b" end\n", T + b"\n", frame(0, b"forged", b""), b"\n", b"\0", T + b" answer 1 exited 0"]
        ),
    ),
    max_size=6,
).map(b"".join)

noise = st.binary(max_size=80).filter(lambda raw: T not in raw)


@given(
    st.lists(st.tuples(nasty, nasty), max_size=5),
    st.lists(noise, min_size=7, max_size=7),
    st.lists(st.integers(0)),
)
def test_any_output_in_any_cuts_comes_back_exactly(
    bodies: list[tuple[bytes, bytes]], between: list[bytes], cuts: list[int]
) -> None:
    data = between[5] + T + b" hello 0\n"
    for index, (out, err) in enumerate(bodies):
        data += between[index] + b"\n" + frame(index, out, err)
    data += between[6] + b"\n" + T + b" end\n" + b"afterwards"
    wanted = [Hello("0"), *(answer(i, out, err) for i, (out, err) in enumerate(bodies)), End()]
    assert read(data, [10_000] * len(bodies), cuts) == wanted


@given(nasty, nasty, st.integers(0))
def test_a_cut_answer_is_no_answer(out: bytes, err: bytes, cut: int) -> None:
    whole = frame(0, out, err)
    assert read(whole[: cut % len(whole)], [10_000]) == []


@given(st.binary(max_size=300))
def test_noise_alone_is_nothing(data: bytes) -> None:
    assert [f for f in read(data, [100]) if not isinstance(f, Damaged)] == []


def test_small_frames() -> None:
    data = b"%b hello 1000\n%b beat\n%b listens 1\n%b fatal no room\n" % (T, T, T, T)
    assert read(data, [9, 9]) == [Hello("1000"), Beat(), Listens(1), Fatal("no room")]


def test_every_ending() -> None:
    data = b"".join(frame(i, b"o", b"", k, b"-") for i, k in enumerate([b"timeout", b"missing", b"lost"]))
    kinds = [f.ended for f in read(data, [9] * 3) if isinstance(f, Answer)]
    assert kinds == [Ended.TIMEOUT, Ended.MISSING, Ended.LOST]


def test_output_cut_on_the_node_is_marked() -> None:
    assert read(frame(0, b"12345", b"", out_all=9), [5]) == [answer(0, b"12345", b"", truncated=True)]
    assert read(frame(0, b"", b"12345", err_all=6), [5]) == [answer(0, b"", b"12345", truncated=True)]


def test_more_bytes_than_the_cap_are_refused() -> None:
    first, *rest = read(frame(0, b"123456", b"") + frame(1, b"ok", b""), [5, 5])
    assert first == Damaged(0, "6 bytes announced, at most 5 asked for")
    assert rest[-1] == answer(1, b"ok", b"")


def test_a_length_that_lies_damages_its_own_frame_only() -> None:
    longer = frame(0, b"12345", b"").replace(b" 5 0 5 0 ", b" 4 0 4 0 ")
    found = read(longer + frame(1, b"ok", b""), [9, 9])
    assert found[0] == Damaged(0, "the answer is not as long as the node said")
    assert found[-1] == answer(1, b"ok", b"")


def test_second_answers_and_unknown_commands_are_refused() -> None:
    found = read(frame(0, b"", b"") + frame(0, b"", b"") + frame(7, b"", b""), [9])
    assert found[0] == answer(0, b"", b"")
    assert [f.why for f in found if isinstance(f, Damaged) and "nobody asked" in f.why] == [
        "an answer to command 0, which nobody asked",
        "an answer to command 7, which nobody asked",
    ]


def test_a_status_must_fit_its_ending() -> None:
    assert read(frame(0, b"", b"", b"exited", b"-"), [9])[0] == Damaged(0, "status and ending do not fit")
    assert read(frame(0, b"", b"", b"timeout", b"0"), [9])[0] == Damaged(0, "status and ending do not fit")


def test_an_endless_first_line_is_given_up() -> None:
    found = read(T + b" answer " + b"9" * 20_000 + T + b" beat\n", [9])
    assert found == [Damaged(None, "a frame's first line does not end"), Beat()]


def test_the_beginning_of_noise_is_kept() -> None:
    reader = FrameReader(TOKEN, [])
    list(reader.feed(b"This account is not available.\n" + b"x" * 5000 + T + b" beat\n"))
    assert reader.noise.startswith(b"This account is not available.\n")
    assert len(reader.noise) == 2048
