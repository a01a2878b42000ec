"""What is held back, and that the reason says how to send it."""

from __future__ import annotations

from shadowdiff.model.exchange import BodyState
from shadowdiff.tee.hold import Holder
from shadowdiff.testing import exchange_of, request_of


def test_only_safe_methods_go_out_and_the_reason_names_the_flag() -> None:
    hold = Holder()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert hold.verdict(exchange_of(request_of(method))) is None
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        name, reason = hold.verdict(exchange_of(request_of(method))) or ("", "")
        assert name == "skipped" and f"--allow-method {method}" in reason
    assert Holder(allow_methods=["post"]).verdict(exchange_of(request_of("POST"))) is None


def test_allow_adds_by_name_and_deny_always_wins() -> None:
    hold = Holder(allow=["POST /v1/chat/*"], deny=["* /v1/chat/secret"])
    assert hold.verdict(exchange_of(request_of("POST", "/v1/chat/completions"))) is None
    assert hold.verdict(exchange_of(request_of("GET", "/other"))) is None
    assert hold.verdict(exchange_of(request_of("POST", "/other"))) is not None
    assert hold.verdict(exchange_of(request_of("POST", "/v1/chat/secret"))) == ("filtered", "denied by --deny")


def test_allow_for_a_safe_method_narrows_it() -> None:
    hold = Holder(allow=["GET /api/*"])
    assert hold.verdict(exchange_of(request_of("GET", "/api/x"))) is None
    assert hold.verdict(exchange_of(request_of("GET", "/x"))) == ("filtered", "not named by --allow")


def test_a_missing_or_cut_body_is_never_sent_as_if_whole() -> None:
    hold = Holder(allow_methods=["POST"])
    for state in (BodyState.MISSING, BodyState.TRUNCATED):
        name, reason = hold.verdict(exchange_of(request_of("POST"), body_state=state)) or ("", "")
        assert name == "skipped" and str(state) in reason


def test_our_own_shadow_requests_are_dropped() -> None:
    marked = request_of("GET", "/", X_Shadowdiff_Run="abc-green")
    assert Holder().verdict(exchange_of(marked)) == ("filtered", "carries our own marker (loop guard)")


def test_a_sample_is_stable_and_keeps_sessions_whole() -> None:
    hold, again = Holder(sample=0.3, seed=4), Holder(sample=0.3, seed=4)
    kept = []
    for number in range(2000):
        exchange = exchange_of(id=f"x{number}", session=f"s{number // 4}")
        assert hold.verdict(exchange) == again.verdict(exchange)
        kept.append(hold.verdict(exchange) is None)
    assert 0.2 < sum(kept) / 2000 < 0.4
    assert all(len(set(kept[n : n + 4])) == 1 for n in range(0, 2000, 4))
