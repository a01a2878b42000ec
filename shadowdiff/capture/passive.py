"""Watch the two byte streams of one client connection and make copies of the exchanges on it.

Nothing here touches the bytes that are relayed: what cannot be read as HTTP/1.1 makes the watcher blind, and the
connection goes on. Bodies are kept up to a cap, all of them together up to the room that is shared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, HttpResponseParser

from shadowdiff.capture.copies import Answer, Copy
from shadowdiff.capture.messages import Answered, Answers, Asked, Message, Requests, Room, now
from shadowdiff.model.exchange import BodyState

MAX_HEADER_BYTES = 256 << 10
MAX_WAITING = 64
"""Pipelined requests a connection may have without an answer, before it is no longer watched."""


class Watcher:
    """The exchanges of one connection; `emit` hears of each as its answer ends."""

    def __init__(self, emit: Callable[[Copy], None], room: Room, cap: int, peer: str, answered: bool = True) -> None:
        """`cap` is bytes kept of a body. Without `answered` a request is copied as it ends: nobody answers here."""
        self._emit = emit
        self._room = room
        self._cap = cap
        self._peer = peer
        self.expects_answers = answered
        self._asking = Requests(self)
        self._parser = HttpRequestParser(self._asking)
        self._answers = Answers(self)
        self._answer_parser = HttpResponseParser(self._answers)
        self._head = bytearray()
        self._asked_head = self._told_head = 0
        """Bytes since a message began whose headers are not complete."""
        self._held = bytearray()
        self._may_upgrade = False
        self.waiting: deque[Asked] = deque()
        self.answer: Answered | None = None
        self.blind = False
        self.waits_to_go_on: Callable[[], None] = lambda: None
        """Hears of a request that sends its body only once it is told to go on (Expect)."""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, as far as can be seen."""
        return not self.blind and not self.waiting and self._asking.current is None

    def asked(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.blind:
            return
        if self._may_upgrade:
            self._held += data
            if len(self._held) > self._cap:
                self._blind()
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._may_upgrade = True
            self._held += data[upgrade.args[0] :]
        except HttpParserError:
            self._blind()
        current = self._asking.current
        self._asked_head = self._asked_head + len(data) if current is not None and not current.method else 0
        long = max(self._asking.header_bytes, self._asked_head) > MAX_HEADER_BYTES
        if long or len(self.waiting) > MAX_WAITING:
            self._blind()

    def told(self, data: bytes) -> None:
        """Bytes from blue."""
        if self.blind:
            return
        if self.waiting and self.waiting[0].method == "HEAD":
            self._head_only(data)
            return
        try:
            self._answer_parser.feed_data(data)
        except HttpParserUpgrade:
            self._upgraded()
        except HttpParserError:
            self._no_http("it sent no valid HTTP/1.1")
        self._told_head = self._told_head + len(data) if self.answer is None and self.waiting else 0
        if self._told_head > MAX_HEADER_BYTES:
            self._no_http(f"its headers are over {MAX_HEADER_BYTES >> 10} KiB")

    def ended(self, by_client: bool, why: str) -> None:
        """The connection is over. `why` is empty where blue ended it in order."""
        if self.blind:
            return
        answer = self.answer
        if answer is not None and self.waiting:
            whole = not why and not by_client and not answer.framed
            self._settle(answer, "" if whole else why or "the answer was cut", by_client and not whole)
        while self.waiting:
            asked = self.waiting.popleft()
            self._out(
                asked, None if by_client else _cut(why or "the connection was closed before any answer"), by_client
            )
        current = self._asking.current
        if not self.expects_answers and current is not None and current.method:
            self._out(current, None, by_client)
        self._blind(silent=True)

    def _no_http(self, why: str) -> None:
        """Blue's side cannot be read from here on; what it was asked counts as unanswered."""
        self.ended(False, why)
        self._room.blind += 1

    # -- called by the parsers --------------------------------------------------------------

    def request_done(self, asked: Asked) -> None:
        """A request is complete."""
        asked.done = now()
        if not self.expects_answers:
            self._out(asked, None, False)

    def answer_done(self) -> None:
        """The answer that was coming is complete."""
        if self.answer is not None:
            self._settle(self.answer, "", False)

    def keep(self, message: Message, data: bytes) -> None:
        """Keep a piece of a body, as far as there is room."""
        message.size += len(data)
        if message.cut or message.poor:
            return
        part = data[: self._cap - message.kept]
        if not self._room.take(len(part)):
            message.poor = True
            return
        message.cut = len(part) < len(data)
        message.parts.append(part)
        message.kept += len(part)

    def answer_begun(self, status: int) -> bool:
        """Headers of an answer are complete; whether it answers a request (an interim one does not)."""
        if 100 <= status < 200 and status != 101:
            return False
        if status == 101 or (self.waiting and self.waiting[0].method == "CONNECT" and status < 300):
            self._upgraded()
            return False
        if not self.waiting:
            self._blind()  # an answer to nothing that was seen
            return False
        return True

    def method(self) -> str:
        """Of the request whose headers are complete."""
        return str(self._parser.get_method().decode("latin-1"))

    def status(self) -> int:
        """Of the answer whose headers are complete."""
        return int(self._answer_parser.get_status_code())

    @property
    def keeps_alive(self) -> bool:
        """Whether the client's connection may carry a further request."""
        return bool(self._parser.should_keep_alive())

    # -- inside -----------------------------------------------------------------------------

    def _settle(self, answer: Answered, ended: str, client_left: bool) -> None:
        self.answer = None
        asked = self.waiting.popleft()
        begun = asked.done or asked.begun
        first = max(0.0, answer.begun - begun)
        body = b"".join(answer.parts)
        made = Answer(
            status=answer.status,
            headers=tuple(answer.headers),
            body=body,
            size=answer.size,
            digest=answer.digest.hexdigest() if answer.digest is not None else "",
            events=tuple((offset, max(0.0, at - begun)) for offset, at in answer.events),
            first_byte_s=first,
            total_s=max(first, now() - begun),
            ended=ended,
        )
        self._room.give(answer)
        asked.poor = asked.poor or answer.poor
        self._out(asked, made, client_left)
        if self._may_upgrade:
            self._resume_asking()

    def _out(self, asked: Asked, answer: Answer | None, client_left: bool) -> None:
        self._room.give(asked)
        self._room.made += 1
        if asked.poor:
            self._room.dropped += 1
            return
        state = BodyState.PRESENT if asked.size else BodyState.EMPTY
        if asked.cut or not asked.done:
            state = BodyState.TRUNCATED
        self._emit(
            Copy(
                number=self._room.made,
                at=asked.at,
                method=asked.method,
                target=asked.url.decode("latin-1"),
                headers=tuple(asked.headers),
                body=b"".join(asked.parts),
                state=state,
                peer=self._peer,
                answer=answer,
                client_left=client_left,
            )
        )

    def _head_only(self, data: bytes) -> None:
        """An answer to HEAD has headers of a body that does not come; a parser cannot know."""
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MAX_HEADER_BYTES:
                self._blind()
            return
        head, rest = bytes(self._head[: end + 4]), bytes(self._head[end + 4 :])
        self._head.clear()
        try:
            self._answer_parser.feed_data(head)
        except (HttpParserError, HttpParserUpgrade):
            self._blind()
            return
        if self.answer is not None:
            self.answer_done()
            self._answers = Answers(self)
            self._answer_parser = HttpResponseParser(self._answers)
        if rest:
            self.told(rest)

    def _resume_asking(self) -> None:
        """Blue declined an upgrade: what the client sent since is HTTP again."""
        self._may_upgrade = False
        self._asking = Requests(self)
        self._parser = HttpRequestParser(self._asking)
        held = bytes(self._held)
        self._held.clear()
        if held:
            self.asked(held)

    def _upgraded(self) -> None:
        """From here on it is another protocol."""
        self._room.upgraded += not self.blind
        self._blind(silent=True)

    def _blind(self, silent: bool = False) -> None:
        if not self.blind and not silent:
            self._room.blind += 1
        self.blind = True
        self._forget()

    def _forget(self) -> None:
        for one in (*self.waiting, self.answer, self._asking.current):
            if one is not None:
                self._room.give(one)
        self.waiting.clear()
        self.answer = self._asking.current = None
        self._held.clear()
        self._head.clear()


def _cut(why: str) -> Answer:
    return Answer(0, (), b"", 0, "", (), 0.0, 0.0, why)
