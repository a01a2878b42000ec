"""Our capture format: lenient in, exact out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.build import Builder
from shadowdiff.capture.jsonl import JsonlSource, line_of
from shadowdiff.model.exchange import BodyState, Exchange, Response
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import check_source, exchange_of, request_of


def read(path: Path, text: str | bytes, post: str = "") -> tuple[list[Exchange], Ledger, list[str]]:
    log = path / "log.jsonl"
    log.write_bytes(text.encode() if isinstance(text, str) else text)
    ledger, warnings = Ledger(), []
    return list(JsonlSource(log, Builder(ledger, warn=warnings.append), post).stream()), ledger, warnings


def test_lenient_shapes_are_understood(tmp_path: Path) -> None:
    found, ledger, _ = read(
        tmp_path,
        '{"path":"/a"}\n{"url":"http://h:1/b?x=1","headers":{"A":"1","B":["2","3"]}}\n'
        '{"target":"/c","body":"hi"}\n{"target":"/d","json":{"n":123456789012345678901}}\n'
        '{"target":"/e","body_b64":"//79"}\n{"target":"/f","body":{"a":1},"method":"PUT"}\n',
    )
    assert [(e.request.method, e.request.target) for e in found] == [
        ("GET", "/a"), ("GET", "/b?x=1"), ("POST", "/c"), ("POST", "/d"), ("POST", "/e"), ("PUT", "/f"),
    ]  # fmt: skip
    assert found[1].request.headers == (("Host", "h:1"), ("A", "1"), ("B", "2"), ("B", "3"))
    assert found[3].request.body == b'{"n":123456789012345678901}'
    assert found[4].request.body == b"\xff\xfe\xfd"
    assert ledger.read == 6 and ledger.unreadable == 0


def test_bare_bodies_are_posted_where_told(tmp_path: Path) -> None:
    found, _, _ = read(tmp_path, '{"question":"hi"}\n{"target":"/x"}\n{"body":5}\n', post="/v1/chat")
    assert [(e.request.method, e.request.target) for e in found] == [
        ("POST", "/v1/chat"),
        ("GET", "/x"),
        ("POST", "/v1/chat"),
    ]
    assert found[0].request.body == b'{"question":"hi"}'


def test_half_a_line_in_the_middle_is_counted_and_named_and_nothing_else_is_lost(tmp_path: Path) -> None:
    found, ledger, warnings = read(tmp_path, '{"target":"/a"}\n{"target":"/b", "hea\n\n{"target":"/c"}\n')
    assert [e.request.target for e in found] == ["/a", "/c"]
    assert (ledger.read, ledger.unreadable) == (3, 1)
    assert "log.jsonl:2" in warnings[0]


def test_ids_are_stable_and_name_their_line(tmp_path: Path) -> None:
    found, _, _ = read(tmp_path, '{"target":"/a"}\n{"id":7,"target":"/b"}\n')
    assert [e.id for e in found] == ["log.jsonl:1", "7"]


def test_times_are_read_as_rfc3339_or_epoch(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"target":"/","ts":{ts}}}\n'
        for ts in (
            '"2026-06-01T08:00:00Z"',
            "1780300800",
            "1780300800000",
            "1780300800000000000",
            '"1780300800.5"',
            '"soon"',
        )
    )
    found, _, _ = read(tmp_path, lines)
    assert [e.captured_at for e in found] == [1780300800, 1780300800, 1780300800, 1780300800, 1780300800.5, None]


def test_a_newer_version_and_a_bad_method_are_unreadable(tmp_path: Path) -> None:
    found, ledger, warnings = read(
        tmp_path, '{"v":9,"target":"/"}\n{"method":"G ET","target":"/"}\n{"target":"evil\\n"}\n'
    )
    assert not found and ledger.unreadable == 3
    assert "newer" in warnings[0]


def test_conforms(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"target":"/a"}\n{"target":"/b"}\n')
    check_source(JsonlSource(tmp_path / "log.jsonl", Builder(Ledger())))


headers = st.lists(
    st.tuples(
        st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
    ),
    max_size=4,
).map(tuple)


@given(
    headers,
    st.binary(max_size=200),
    st.from_regex(r"/[a-zA-Z0-9%/.?=&-]{0,30}", fullmatch=True),
    st.binary(max_size=80),
)
def test_what_is_written_is_read_back(pairs: tuple, body: bytes, target: str, answered: bytes) -> None:
    import tempfile

    request = request_of("POST", target, body)
    request = type(request)(method="POST", target=target, headers=pairs, body=body)
    recorded = Response(status=201, headers=(("X-A", "1"),), body=answered, size=len(answered))
    made = exchange_of(
        request, id="i", captured_at=1780300800.25, session="s", recorded=recorded, recorded_status=201,
        body_state=BodyState.PRESENT if body else BodyState.EMPTY, tags=("t",),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        (back,), _, _ = read(Path(folder), line_of(made))
    assert (back.request, back.recorded, back.session, back.captured_at, back.tags) == (
        made.request, made.recorded, made.session, made.captured_at, made.tags,
    )  # fmt: skip
