"""报告用语：网页与摘要。"""

from __future__ import annotations

PAGE = {
    "Go.": "放行。", "Stop.": "停止发布。", "Undecided.": "尚不能定。", "Not measured.": "未能测量。", "Interrupted.": "已中断。",
    "Skip to what changed": "跳到变化部分",
    "candidate {name}": "候选版本 {name}",
    "Why": "为什么",
    "Divergence {rate}, interval {low} to {high}, limit {limit}": "不一致率 {rate}，区间 {low} 至 {high}，限度 {limit}",
    "Green differs in {rate} of {n} {unit}; between {low} and {high} of this traffic; {limit} is allowed (dashed line).":
        "{n} {unit}中，green 有 {rate} 不一致；在此类流量中介于 {low} 与 {high} 之间；允许 {limit}（虚线）。",
    "Blue against itself ({kind}): {m} of {n} differ.": "blue 与自身相比（{kind}）：{n} 对中 {m} 对不一致。",
    "No pair could be judged.": "没有一对可以判定。",
    "Evidence over {n} {unit}": "证据随 {n} {unit}的变化",
    "for stopping": "支持停止",
    "for passing": "支持放行",
    "dashed: what each verdict needs ({fail}:1 to stop, {passing}:1 to pass); log scale":
        "虚线：各自所需的证据（停止 {fail}:1，放行 {passing}:1）；对数刻度",
    "The evidence for stopping was enough after {n} units ({settled} pairs).":
        "第 {n} 个单元（第 {settled} 对）之后，停止的证据已经足够。",
    "The evidence for passing was enough after {n} units ({settled} pairs).":
        "第 {n} 个单元（第 {settled} 对）之后，放行的证据已经足够。",
    "Neither line was reached.": "两条线都没有达到。",
    "Estimate and interval": "估计值与区间",
    "0 to {top}; dashed: the limit, {limit}; the band is the interval": "0 至 {top}；虚线：限度 {limit}；灰带为区间",
    "Criteria": "判据", "criterion": "判据", "estimate": "估计", "interval": "区间", "limit": "限度", "verdict": "结论",
    "{low} to {high}": "{low} 至 {high}",
    "Blue behaved as in production: {share}.": "blue 的表现与生产环境一致：{share}。",
    "What changed": "什么变了",
    "Against {run}": "与 {run} 相比", "since {run}": "与 {run} 相比", "since then": "变化", "share before": "之前占比",
    "share now": "现在占比", "cause": "原因", "(may be chance)": "（可能是偶然）",
    "Neither run has a difference.": "两次运行都没有不一致。",
    "{n} pairs differ. Causes: {k}, each named by what differs, the same in every run.":
        "{n} 对不一致，归为 {k} 个原因；原因按差异本身命名，各次运行同名。",
    "pairs, {share} of the differences": "对，占不一致的 {share}",
    "blue differs from itself in {m} of {n}": "blue 与自身相比，{n} 对中 {m} 对不一致",
    "with it:": "同时出现：",
    "Show its pairs": "列出这些对", "Copy as expected change": "复制为已知变化", "Copy ignore rule": "复制忽略规则",
    "{n} smaller causes are in the table of pairs.": "另有 {n} 个较小的原因，见下方的表。",
    "{n} smaller causes are in report.html": "另有 {n} 个较小的原因，见 report.html",
    "Nothing differs.": "没有不一致。",
    "Show me": "给我看",
    "Searching needs the script of this page, which is switched off here; the examples stand beneath.":
        "搜索需要本页的脚本，此处脚本被关闭；示例列在下面。",
    "Search": "搜索", "Search pairs": "搜索各对", "id, route, words": "编号、路由、词语", "Outcome": "结果", "Cause": "原因",
    "Route": "路由", "Order": "排序", "Clear": "清除", "Keys": "按键", "pair": "对", "outcome": "结果", "route": "路由",
    "what differs": "差异", "blue ms": "blue 毫秒", "green ms": "green 毫秒", "Previous": "上一页", "Next": "下一页",
    "The chosen pair": "选中的一对", "search": "搜索", "next and previous pair": "下一对、上一对", "open the pair": "打开这一对",
    "next and previous page of the table": "下一页、上一页", "clear the search": "清除搜索", "Close": "关闭",
    "all outcomes": "全部结果", "all causes": "全部原因", "all routes": "全部路由", "order of the log": "按日志顺序",
    "slowest green first": "green 最慢的在前", "largest slowdown first": "变慢最多的在前",
    "{a} to {b} of {n} pairs": "{n} 对中的第 {a} 至 {b} 对", "no pair matches": "没有符合的对",
    "{n} pairs of {all} are on this page; the rest are in comparisons.jsonl.":
        "本页有 {all} 对中的 {n} 对；其余见 comparisons.jsonl。",
    "Its answers are not on this page. See them with:": "这一对的回答不在本页，可用命令查看：",
    "copied": "已复制", "turn": "轮次",
    "{n} more examples": "更多示例（{n} 个）",
    "{n} more examples are left out to keep this page small; they are in comparisons.jsonl.":
        "为控制页面大小，另有 {n} 个示例未列出，见 comparisons.jsonl。",
    "How to reproduce it": "如何重现",
    "Each pair above has a curl line for each target. From the saved run, without traffic:":
        "上面每一对都附有对各目标的 curl 命令。用已保存的结果（不发请求）：",
    "the same verdict again": "再次得出同样的结论", "every cause, and one pair side by side": "全部原因，以及单对并排查看",
    "the stored answers under other rules": "用别的规则重新评判已存的回答",
    "what blue's own noise would ignore": "按 blue 自身的噪声建议忽略项",
    "Copy": "复制",
    "What to ignore": "哪些可以忽略",
    "In these, blue differs from itself as well: they say nothing about green.":
        "以下各项 blue 自身也不一致，不能说明 green 有问题：",
    "{m} of {n} with a second blue": "与第二个 blue 相比 {n} 对中有 {m} 对",
    "Nothing: where blue was asked twice, no cause here is noise of blue's own.":
        "没有：凡问过 blue 两次的地方，这些原因都不是 blue 自身的噪声。",
    "Unknown: blue was not asked twice in the pairs that differ (a --twin would tell).":
        "未知：不一致的对里没有问过 blue 两次（用 --twin 可以得知）。",
    "shadowdiff calibrate proposes ignore rules and limits from blue's own noise, with their evidence.":
        "shadowdiff calibrate 会根据 blue 自身的噪声建议忽略规则与限度，并附上依据。",
    "Numbers": "数据", "Routes": "路由", "judged": "已判定", "differ": "不一致", "rate": "比率", "rules": "规则",
    "{n} more routes are in verdict.json.": "另有 {n} 条路由，见 verdict.json。",
    "Time to the whole answer": "完整回答的用时", "Time to the first words of a stream": "流式回答的首字用时",
    "share of answers that took at most so long, {left} to {right}, log scale; the line in the middle is half":
        "用时不超过该值的回答占比，{left} 至 {right}，对数刻度；中线为一半",
    "side": "目标", "answers": "回答数", "longest": "最长",
    "Signals": "信号", "signal": "信号", "excess": "超出",
    "Signals: how much farther green's texts are from blue's than a second blue's, on average; 0 where green is "
    "another blue.": "信号：green 的文本与 blue 的平均差距，比第二个 blue 大多少；若 green 就是另一个 blue 则为 0。",
    "Ledger": "账目", "Details": "详情", "verdict {verdict}, exit code {code}": "结论 {verdict}，退出码 {code}",
    "{start} to {end}": "{start} 至 {end}", "config {hash}": "配置 {hash}",
    "(after its session had diverged)": "（同一会话此前已不一致）",
    "rule": "规则", "where": "位置", "what": "内容", "ignore": "忽略", "Copy a rule that ignores {path}": "复制忽略 {path} 的规则",
    "{n} more findings": "另有 {n} 处", "… {n} more characters": "……另有 {n} 个字符",
    "… {n} characters the same …": "……{n} 个字符相同……",
    "Its answers were not stored (--store-bodies all keeps every one).": "这一对的回答没有保存（--store-bodies all 会全部保存）。",
    "time": "用时", "first byte": "首字节", "first words": "首字", "whole answer": "完整回答",
    "Arrival of the stream: bytes over {ms} ms": "流的到达：{ms} 毫秒内的字节",
    "{n} headers differ": "{n} 个响应头不同", "header": "响应头",
    "Copy curl for {role}": "复制 {role} 的 curl", "Copy show command": "复制 show 命令",
    "answer of blue": "blue 的回答", "answer of green": "green 的回答",
    "told, not judged": "仅告知，不计入", "turn {turn} of session {session}": "会话 {session} 第 {turn} 轮",
    " (cut here)": "（在此截断）", "{n} bytes": "{n} 字节",
    "blue as in production": "blue 与生产一致", "example": "示例", "{rate} of {n}": "{n} 个中的 {rate}",
    "Held back or not judged:": "未发送或未判定：",
}  # fmt: skip
