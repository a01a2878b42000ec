"""裁决的句子：中文。函数与 `say` 一一对应。"""

from __future__ import annotations

from shadowdiff.gate.criteria import Reading
from shadowdiff.gate.reasons import cause, coins, filled, too_few, top
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Divergence, Status
from shadowdiff.units import show_duration
from shadowdiff.units import show_percent as pct

_UNITS = {"request": "个请求", "session": "个会话", "unit": "个单元"}


def fail(d: Divergence) -> str:
    """FAIL by evidence."""
    if d.noise.get("excess"):
        return (
            f"与第二个 blue 相比，green 多出 {pct(d.rate)} 的{_of(d)}不一致，至少 {pct(max(d.low, 0.0))}；"
            f"允许 {pct(d.limit)}（共 {d.n} {_UNITS[d.unit]}）"
        )
    return (
        f"{d.n} {_UNITS[d.unit]}中，green 有 {pct(d.rate)} 与 blue 不一致，在此类流量中至少为 {pct(d.low)}；"
        f"允许 {pct(d.limit)}"
    )


def passed(d: Divergence) -> str:
    """PASS by evidence."""
    over = "（已扣除第二个 blue 的噪声）" if d.noise.get("excess") else ""
    return (
        f"{d.n} {_UNITS[d.unit]}中，green 有 {pct(max(d.rate, 0.0))} 不一致{over}，在此类流量中至多为 "
        f"{pct(max(d.high, 0.0))}；允许 {pct(d.limit)}"
    )


def undecided(d: Divergence, min_fail: int, min_pass: int) -> str:
    """Not enough either way, and what would be."""
    seen = (
        f"{d.n} {_UNITS[d.unit]}中，green 有 {pct(max(d.rate, 0.0))} 不一致（{pct(max(d.low, 0.0))} 至 "
        f"{pct(max(d.high, 0.0))} 之间）"
    )
    need = too_few(d, min_fail, min_pass)
    if need is not None:
        return f"证据不足：{seen}；要在 {pct(d.limit)} 的限度下通过，至少需要 {need} {_UNITS[d.unit]}"
    return f"难以判定：{seen}；{pct(d.limit)} 落在区间之内，需要更多{_of(d)}"


def route_fail(d: Divergence, routes: list[str]) -> str:
    """FAIL by routes."""
    return (
        f"green 在 {_list(routes)} 上差异过大；全部 {d.n} {_UNITS[d.unit]}的不一致率为 {pct(max(d.rate, 0.0))}，"
        f"允许 {pct(d.limit)}"
    )


def route_over(routes: list[str]) -> str:
    """All traffic would pass, one route does not."""
    return f"整体流量在限度之内，但 {_list(routes)} 超限"


def route_not_passed(routes: list[str], limit: float) -> str:
    """A route with a budget of its own has no PASS evidence."""
    return f"{_list(routes)} 有单独的限度（{pct(limit)}），证据尚不足以通过"


_CRITERIA = {
    "errors": "blue 正常而 green 出错：{n} 个单元中 {estimate}，至少 {low}；允许 {limit}",
    "critical": "严重问题比 blue 自身多 {estimate}（{n} 个单元），至少 {low}；允许 {limit}",
    "similarity": "green 的文本与 blue 的相似度比孪生实例低 {estimate}（{n} 个单元），至少 {low}；允许 {limit}",
    "latency": "green 变慢，超过允许的 {limit}：{n} 个单元中有 {estimate} 超出",
    "ttft": "green 的首字延迟超过允许的 {limit}：{n} 个单元中有 {estimate} 超出",
    "tokens": "green 每个回答多用 {estimate} 的 token（{n} 个单元），至少 {low}；允许 {limit}",
    "server_errors": "green 有 {estimate} 返回 5xx 或没有回答（{n} 个单元），至少 {low}；允许 {limit}",
    "slo_ttfb": "green 的首字节有 {estimate} 超时（{n} 个单元），至少 {low}；允许 {limit}",
    "slo_total": "green 的回答有 {estimate} 超时（{n} 个单元），至少 {low}；允许 {limit}",
}


def criterion_fail(reading: Reading) -> str:
    """FAIL by a criterion beside divergence."""
    return filled(_CRITERIA[reading.name], reading)


def criterion_open(reading: Reading) -> str:
    """Divergence would pass, another criterion has not shown that it does."""
    if not reading.n:
        return f"{reading.name} 设有 {pct(reading.limit)} 的限度，但没有任何测量值"
    return (
        f"不一致率在限度之内，但 {reading.name} 尚未判定：{reading.n} 个单元中为 {pct(max(reading.estimate, 0.0))}；"
        f"要证明其在 {pct(reading.limit)} 之内，需要更多证据"
    )


def correlated(correlation: float, limit: float) -> str:
    """Requests of a session are no units."""
    return (
        f"同一会话内的请求会一起不一致（相关系数 {correlation:.2f}，上限 {limit:.2f}），不能各自作为证据；"
        '请以会话为单元：gate.unit = "auto"'
    )


def lost_pace(total: Shard) -> str:
    """Latencies of another load."""
    return (
        f"没有跟上节奏（{sum(total.lag)} 个请求中有 {total.late} 个发送过晚），测得的延迟属于另一种负载，无法判定；"
        "请降低 --rate 或 --speed，或提高 --max-in-flight"
    )


def unit() -> str:
    """What a unit is."""
    return "单元指一个会话，没有会话的请求自成一个单元。"


def excess() -> str:
    """What is decided on with a twin."""
    return "判定依据是超出噪声的部分：green 的不一致率减去孪生实例的。"


def correlation(value: float, sessions: int) -> str:
    """How sessions hang together."""
    return f"会话内不一致的相关系数为 {value:.2f}（0 表示彼此独立，1 表示整个会话一起；{sessions} 个多轮会话）。"


def culprits(routes: list[str]) -> str:
    """Who."""
    return f"超出限度的路由：{_list(routes)}。"


def thin(routes: list[str]) -> str:
    """Routes about which nothing is said."""
    more = f" 等 {len(routes)} 个" if len(routes) > 5 else ""
    return f"单元太少、无法单独下结论的路由：{'，'.join(routes[:5])}{more}。"


def family(count: int, alpha: float) -> str:
    """One error for all."""
    return f"{count} 项判据共用一个错误率：各项都在限度之内的版本，至多在 {pct(alpha)} 的运行中被误停。"


def census(wrong: int, judged: int, allowed: int) -> str:
    """Every question of a fixed set."""
    return f"{judged} 道预设问题中，green 有 {wrong} 道不一致；允许 {allowed} 道"


def census_open(missing: int) -> str:
    """A set that was not judged whole."""
    return f"有 {missing} 道预设问题无法判定，而普查需要每一道"


def epochs() -> str:
    """All of a window together differs too much, no part of it provably."""
    return "整个窗口内 green 的不一致超过限度，但没有哪一段能单独证明"


def waiting() -> str:
    """Nothing was sent yet in a window."""
    return "此窗口开启以来还没有请求"


def stale(seconds: float) -> str:
    """Old evidence."""
    return f"证据已过期：最后一对是在 {show_duration(seconds)} 之前计入的"


def young(seconds: float, least: float) -> str:
    """A window that has not been open long enough."""
    return f"此窗口才开启 {show_duration(seconds)}；通过至少需要 {show_duration(least)}"


def green_down(total: Shard) -> str:
    """Green refused everything."""
    return f"green 不可用：blue 正常回答时，它拒绝了全部 {total.green_down} 个连接"


def blue_unreachable(total: Shard) -> str:
    """Nothing to measure against."""
    return f"blue 对 {total.blue_asked} 个请求都没有回答，无法测量{_why(total)}；检查地址：shadowdiff check"


def nothing_judged(total: Shard) -> str:
    """No pair counted for or against green."""
    ledger = total.ledger
    if not ledger.read:
        return "没有读到任何内容：日志是空的"
    if not ledger.sent:
        held = top(ledger.reasons, ("skipped", "filtered", "unreadable", "sampled_out"))
        return f"没有发送任何请求：读到的 {ledger.read - ledger.unsent} 个都被拦下或无法读取（{held}）"
    return f"没有一对回答可以判定：{_cause(total)}"


def low_fidelity(total: Shard, fidelity: float) -> str:
    """Blue does not behave as in production."""
    return f"{total.blue_asked} 个请求中，blue 只有 {pct(fidelity)} 与生产时一致（需要 90%）：{_cause(total)}"


def unreliable(total: Shard, limit: float) -> str:
    """Blue disagrees with itself."""
    rate = total.controls_mismatched / total.controls
    return (
        f"基线不可靠：同一请求问 blue 两次，{total.controls} 次中有 {pct(rate)} 自相矛盾，超过 {pct(limit)} 的限度；"
        "请提供 --twin 以扣除噪声，或忽略会变化的内容"
    )


def unlike_twin(total: Shard) -> str:
    """Blue and its twin are not the same release."""
    rate = total.controls_mismatched / total.controls
    return (
        f"基线不可靠：{total.controls} 次中有 {pct(rate)} twin 与 blue 的回答不同；"
        "twin 是否为同一版本，数据是否相同？"
    )


def not_covered(missing: list[str]) -> str:
    """Required routes that were not seen."""
    return f"没有见到必须覆盖的路由：{'，'.join(missing[:5])}"


def errored(count: int, sent: int, limit: float) -> str:
    """Too many pairs without a baseline for a pass."""
    return f"{sent} 个请求中有 {count} 个没有基线（{pct(count / sent)}）；通过时至多允许 {pct(limit)}"


def simple(n: int, rate: float, limit: float, where: str) -> str:
    """The plain rule."""
    word = "高于" if where == "above" else "不高于"
    return f"{n} 个请求中有 {pct(rate)} 不一致，{word} {pct(limit)} 的限度（simple 模式：不保证错误率）"


def simple_too_few(n: int, after: int) -> str:
    """The plain rule without enough pairs."""
    return f"证据不足：只判定了 {n} 个请求，simple 模式要在 {after} 个之后才看"


def explain(status: Status, d: Divergence, alpha: float, beta: float) -> str:
    """The wager; empty when there is nothing to explain."""
    if status is Status.FAIL and d.low >= d.limit and d.noise.get("excess"):
        return (
            f"您允许 green 比第二个 blue 多 {pct(d.limit)} 不一致。{d.n} {_UNITS[d.unit]}中，它多出 {pct(d.rate)}。"
            f"以“此版本在限度之内”为对手的一场公平赌局，如果该说法属实，无论看多少次、无论 blue 自身如何波动，达到 "
            f"{1 / alpha:.0f} 枚硬币的机会至多为 {pct(alpha)}；而现在已经达到。可以说的是：此类流量中至少多出 "
            f"{pct(d.low)}。不能说的是：确切的比率。"
        )
    if status is Status.FAIL and d.low >= d.limit:
        return (
            f"您允许 {pct(d.limit)} 不一致。{d.n} {_UNITS[d.unit]}中有 {pct(d.rate)} 不一致；若恰在限度，大约应有 "
            f"{d.limit * d.n:.0f} 个。以“此版本在限度之内”为对手的一场公平赌局从 1 枚硬币开始，现在有 "
            f"{coins(d.log_e_fail)} 枚。如果该说法属实，无论看多少次，它达到 {1 / alpha:.0f} 枚的机会至多为 "
            f"{pct(alpha)}。可以说的是：此类流量中至少有 {pct(d.low)} 不一致。不能说的是：确切的比率。"
        )
    if status is Status.PASS:
        return (
            f"若真实不一致率为 {pct(d.limit)} 或更高，通过的机会至多为 {pct(beta)}。可以说的是：在这样的流量上，"
            f"至多 {pct(max(d.high, 0.0))} 的{_of(d)}不一致。"
        )
    return ""


def _of(d: Divergence) -> str:
    return _UNITS[d.unit].removeprefix("个")


def _list(routes: list[str]) -> str:
    return "，".join(routes[:3]) + (f" 等 {len(routes)} 个路由" if len(routes) > 3 else "")


def _cause(total: Shard) -> str:
    return cause(total, _CAUSES, _why(total))


_ANSWERED = "blue 有 {count} 次回答 {status}"
_CAUSES = {
    "errored": "每一对都出错",
    "credentials": _ANSWERED + "；抓取到的凭据不会被转发，请单独提供："
    "--blue-header 'Authorization: …'（以及 --green-header），或使用 --forward-auth",
    "limited": _ANSWERED + "：被限流；请降低 --rate 或申请更高配额",
    "failing": _ANSWERED + "：blue 自身在出错",
    "silent": "blue 有 {count} 次没有完整回答{why}",
    "other": _ANSWERED + "，与抓取时的状态类别不同：blue 的数据与抓取时相同吗？",
}


def _why(total: Shard) -> str:
    reason = top(total.ledger.reasons, ("errored",))
    return f"（{reason}）" if reason else ""
