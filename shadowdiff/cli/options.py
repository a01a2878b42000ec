"""Options shared by commands, written once: flag, config key, help with effect, unit and default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from shadowdiff.errors import UsageError

Command = Callable[..., Any]

# (flags, config key or "", click arguments)
_Option = tuple[tuple[str, ...], str, dict[str, Any]]

TARGETS: list[_Option] = [
    (("--blue",), "targets.blue", {"help": "Release in service, e.g. http://shop-blue:8080, or `recorded`."}),
    (("--green",), "targets.green", {"help": "Candidate, e.g. http://shop-green:8080."}),
    (("--twin",), "targets.twin", {"help": "A second blue: its noise is subtracted."}),
    (("--blue-host",), "targets.blue_host", {"help": "Host header for blue [default: from the URL]."}),
    (("--green-host",), "targets.green_host", {"help": "Host header for green [default: from the URL]."}),
    (("--connect-to",), "targets.connect_to",
     {"multiple": True, "help": "HOST:PORT:CONNECT-HOST:CONNECT-PORT, as in curl; TLS names stay."}),
    (("--cacert",), "targets.cacert", {"help": "CA file for https targets."}),
    (("--insecure",), "targets.insecure", {"is_flag": True, "default": None, "help": "Do not verify TLS."}),
    (("--proxy",), "targets.proxy", {"help": "HTTP proxy URL; needs --transport aiohttp."}),
]  # fmt: skip

FILTERS: list[_Option] = [
    (("--allow-method",), "capture.allow_methods",
     {"multiple": True, "help": "Also send this method, e.g. POST. A captured write is a write again."}),
    (("--allow",), "capture.allow", {"multiple": True, "help": "Also send what matches, e.g. 'POST /v1/chat/*'."}),
    (("--deny",), "capture.deny", {"multiple": True, "help": "Never send what matches, e.g. 'GET /admin/*'."}),
    (("--sample",), "capture.sample", {"help": "Share sent, stable by hash, e.g. 10% [default: 100%]."}),
    (("--sample-by",), "capture.sample_by", {"help": "Place to hash, or id [default: session, else id]."}),
    (("--session-by",), "sessions.by",
     {"help": "header:X, cookie:sid, query:k, path:/threads/*, form:k, json:/pointer, ip, file or minted; of "
             "several, parted by commas, the first that holds something."}),
    (("--route-by",), "capture.route_by", {"help": "Split routes by json:/model or header:X."}),
]  # fmt: skip

CAPTURE: list[_Option] = [
    (("--format",), "capture.format", {"help": "Capture format, e.g. jsonl, har, gor [default: sniffed]."}),
    (("--post",), "capture.post", {"help": "Each line may be a bare JSON body, posted to this path."}),
    (("--sort-window",), "capture.sort_window",
     {"type": int, "help": "Exchanges held to be put in time order; 0: as in the log [default: 1000]."}),
    (("--send-incomplete/--hold-incomplete",), "capture.send_incomplete",
     {"default": None, "help": "Send what the capture has of missing or cut bodies; the pairs are marked."}),
]  # fmt: skip
CAPTURE[2:2] = FILTERS

SENDING: list[_Option] = [
    (("--rate",), "send.rate",
     {"help": "Exchanges a second, e.g. 50/s, or `max` [default: 50/s; max for loopback targets]."}),
    (("--speed",), "send.speed", {"help": "Pace as recorded, times this, e.g. 2x."}),
    (("--max-gap",), "send.max_gap", {"help": "With --speed, no pause longer than this, e.g. 5s."}),
    (("--loop",), "send.loop",
     {"type": int, "help": "Read the log this often; 0: until --duration or --limit [default: 1]."}),
    (("--max-in-flight",), "send.max_in_flight", {"type": int, "help": "Exchanges in the air [default: 16]."}),
    (("-n", "--limit"), "send.limit", {"type": int, "help": "Send at most this many exchanges."}),
    (("--warmup",), "send.warmup", {"type": int, "help": "Send the first N exchanges without counting them."}),
    (("--duration",), "send.duration", {"help": "Stop sending after this long, e.g. 5m."}),
    (("--budget",), "send.budget", {"help": "Stop sending after 5000-requests, 100-writes (unsafe methods) "
     "or 2M-tokens, all targets together."}),
    (("--seed",), "send.seed", {"type": int, "help": "Fixes sampling and shuffling."}),
    (("--transport",), "send.transport", {"help": "wire or aiohttp [default: wire]."}),
    (("--max-body",), "send.max_body", {"help": "Bytes kept of each answer [default: 1MiB]."}),
    (("--forward-auth",), "send.forward_auth",
     {"is_flag": True, "default": None, "help": "Send captured Authorization and Cookie to the targets."}),
    (("--isolation/--no-isolation",), "send.isolation",
     {"default": None, "help": "Rewrite client-supplied session ids per target [default: on]."}),
    (("--correlate/--no-correlate",), "sessions.correlate",
     {"default": None, "help": "Give each target the ids it minted itself [default: on]."}),
    (("--cookies/--no-cookies",), "sessions.cookies",
     {"default": None, "help": "Keep a cookie jar for each session and target [default: on]."}),
    (("--handover",), "sessions.handover",
     {"type": int, "help": "Hand each session over: K turns on blue, K on green, then blue; against blue alone."}),
    (("--marker/--no-marker",), "send.marker",
     {"default": None, "help": "Send X-Shadowdiff-Run for loop protection [default: on]."}),
    (("--control/--no-control",), "control.enabled",
     {"default": None, "help": "Without a twin, ask blue twice for the first exchanges [default: on]."}),
    (("--control-share",), "control.share",
     {"help": "Ask the --twin for this share of the units only; noise is then subtracted as a rate [100%]."}),
    (("--confirm",), "control.confirm",
     {"type": int, "help": "Ask mismatches this often again, to see if they come back; never counted [default: 0]."}),
    (("--connect-timeout",), "timeouts.connect", {"help": "[default: 5s]"}),
    (("--ttfb-timeout",), "timeouts.ttfb", {"help": "Until the first answer byte [default: 30s]."}),
    (("--idle-timeout",), "timeouts.idle", {"help": "Silence inside an answer [default: 30s]."}),
    (("--timeout",), "timeouts.total", {"help": "Whole answer [default: 300s]."}),
    (("--green-connect-timeout",), "timeouts.green_connect", {"help": "The same for green alone."}),
    (("--green-ttfb-timeout",), "timeouts.green_ttfb", {"help": "The same for green alone."}),
    (("--green-idle-timeout",), "timeouts.green_idle", {"help": "The same for green alone."}),
    (("--green-timeout",), "timeouts.green_total", {"help": "The same for green alone."}),
]  # fmt: skip

WORKERS: list[_Option] = [
    (("--workers",), "send.workers", {"type": int, "help": "Processes that share the log by session [default: 1]."}),
]

GROUP: list[_Option] = [
    (("--group",), "kafka.group", {"help": "With kafka://: the group that shares the topic, or is judged together."}),
]

RESULTS: list[_Option] = [
    (("--results",), "kafka.results", {"help": "Also send comparisons and counts to kafka://BROKER/TOPIC."}),
]

SCORING: list[_Option] = [
    (("--profile",), "score.profile",
     {"help": "strict, stable or sampled: how much text may vary [default: stable]."}),
    (("--ignore",), "score.ignore",
     {"multiple": True, "help": "JSON Pointer to leave out, * and ** allowed, or header:Name."}),
    (("--unordered",), "score.unordered", {"multiple": True, "help": "JSON Pointer of an array in any order."}),
    (("--required",), "score.required", {"multiple": True, "help": "Phrase that green must keep."}),
    (("--forbidden",), "score.forbidden", {"multiple": True, "help": "Phrase that green must not say."}),
    (("--extract",), "score.extract",
     {"multiple": True, "help": "Regular expression whose matches must be equal, e.g. '\\[(Yes|No)\\]'."}),
    (("--max-length-change",), "score.max_length_change", {"help": "Fail texts this much longer or shorter [off]."}),
    (("--min-similarity",), "score.min_similarity", {"help": "Fail pairs less alike than this [default: off]."}),
]  # fmt: skip

JUDGING: list[_Option] = [
    (("--mode",), "gate.mode", {"help": "evidence, simple or census [default: evidence]."}),
    (("--max-divergence",), "gate.max_divergence", {"help": "Allowed share that differs [default: 5%]."}),
    (("--alpha",), "gate.alpha", {"help": "False stops of a release within the limit [default: 1%]."}),
    (("--beta",), "gate.beta", {"help": "False passes of a release above the limit [default: 5%]."}),
    (("--must-cover",), "gate.must_cover", {"multiple": True, "help": "Route without which nothing passes."}),
    (("--max-mismatches",), "gate.max_mismatches",
     {"type": int, "help": "With --mode census: so many of all questions may differ [default: 0]."}),
    (("--max-errors",), "gate.max_errors", {"help": "Share where green fails and blue does not, e.g. 1% [off]."}),
    (("--max-5xx",), "gate.max_5xx", {"help": "Share where green answers 5xx or not at all [off]."}),
    (("--max-critical",), "gate.max_critical", {"help": "Share with critical findings, over noise [off]."}),
    (("--max-similarity-drop",), "gate.max_similarity_drop",
     {"help": "How much less alike to blue than the twin, e.g. 2%; needs --twin [off]."}),
    (("--max-slowdown",), "gate.max_slowdown", {"help": "How much slower green may be, e.g. 10% [off]."}),
    (("--max-ttft-slowdown",), "gate.max_ttft_slowdown",
     {"help": "The same for the first words of streamed answers [off]."}),
    (("--max-token-growth",), "gate.max_token_growth", {"help": "How many more tokens an answer, e.g. 20% [off]."}),
    (("--slo-ttfb",), "gate.slo_ttfb", {"help": "Green's first byte within this (800ms), but for a share [off]."}),
    (("--slo-total",), "gate.slo_total", {"help": "Green's whole answer within this, but for --slo-share [off]."}),
    (("--slo-share",), "gate.slo_share", {"help": "Share that may miss an SLO; 1% makes it a P99 [default: 1%]."}),
    (("--accept",), "gate.accept", {"help": "File of known differences, each with owner and expiry."}),
    (("--lang",), "report.lang", {"help": "en or zh: the words of the verdict [default: en]."}),
]  # fmt: skip

STOPPING: list[_Option] = [
    (("--stop-on",), "gate.stop_on",
     {"help": "fail, any or none: when to stop early [default: fail; a service goes on]."}),
    (("--store-bodies",), "report.store_bodies", {"help": "all, mismatched or none [default: mismatched]."}),
    (("--service",), "report.service", {"help": "Name of the service, for reports."}),
    (("--candidate",), "report.candidate", {"help": "Name of the release under test, for reports."}),
    (("--tekton-results",), "report.tekton_results", {"help": "Write Tekton's results here, e.g. /tekton/results."}),
    (("--act",), "act.mode",
     {"type": click.Choice(["on", "dry-run", "off"]),
      "help": "Whether [[actions]] act, or only say what they would do."}),
]  # fmt: skip

SERVICE: list[_Option] = [
    (("--api",), "service.api", {"help": "HOST:PORT of the verdict API, or off [default: 127.0.0.1:8780]."}),
    (("--api-token",), "service.token", {"help": "Bearer token it asks for, e.g. env:NAME; needed off loopback."}),
    (("--drain",), "service.drain", {"help": "How long SIGTERM lets open calls go on [default: 10s]."}),
    (("--log-format",), "service.log",
     {"type": click.Choice(["text", "json"]), "help": "Say everything as lines of text or JSON [default: text]."}),
    (("--reload-targets/--keep-targets",), "service.reload_targets",
     {"default": None, "help": "Let a changed config change the targets too [default: off]."}),
    (("--candidate-from",), "service.candidate_from",
     {"help": "header:NAME in which green names its build; each opens a window of its own."}),
]  # fmt: skip


def with_options(*groups: list[_Option]) -> Callable[[Command], Command]:
    """Add the options of `groups` to a command."""

    def decorate(command: Command) -> Command:
        for flags, key, arguments in reversed([option for group in groups for option in group]):
            command = click.option(*flags, _name(key), **arguments)(command)
        return command

    return decorate


def config_option(command: Command) -> Command:
    """-c/--config."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("-c", "--config", type=kind, help="Config file [default: ./shadowdiff.toml if there].")(
        command
    )


def lang_option(command: Command) -> Command:
    """--lang for commands that read saved runs."""
    kind = click.Choice(["", "en", "zh"])
    return click.option("--lang", type=kind, default="", help="en or zh [default: the run's].")(command)


def output_options(command: Command) -> Command:
    """What is said, and where."""
    for flags, text in (
        (("-q", "--quiet", "quiet"), "Nothing on stderr but errors."),
        (("-v", "--verbose", "verbose"), "Say each mismatch as it settles (the first hundred)."),
        (("--json", "as_json"), "Print exactly verdict.json on stdout, at the end."),
    ):
        command = click.option(*flags, is_flag=True, help=text)(command)
    return command


def header_options(command: Command) -> Command:
    """-H and its per-target forms."""
    for flags, text in (
        (("--green-header", "green_header"), "Header for green alone; value may be env:NAME."),
        (("--blue-header", "blue_header"), "Header for blue (and its twin) alone; value may be env:NAME."),
        (("-H", "--header", "header"), "Header for every target, 'Name: value'; value may be env:NAME."),
    ):
        command = click.option(*flags, multiple=True, help=text)(command)
    return command


def gathered(values: dict[str, Any]) -> dict[str, Any]:
    """Config keys to values from a command's parameters; what was not given is left out."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if "__" in name and value is not None and value != ():
            out[name.replace("__", ".", 1)] = list(value) if isinstance(value, tuple) else value
    return out


def headers(values: tuple[str, ...], flag: str) -> dict[str, str]:
    """{"Name": "value"} from 'Name: value' texts. Raises `UsageError`."""
    found = {}
    for text in values:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"{flag} {text!r}: write 'Name: value'")
        found[name.strip()] = value.strip()
    return found


def _name(key: str) -> str:
    return key.replace(".", "__", 1)
