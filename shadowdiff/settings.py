"""The shape of shadowdiff.toml: one struct a table, with every default. `config` loads, merges and explains it.

Values keep their units as text here; `units` parses them where they are used.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base of every config table: unknown keys are errors."""


class Targets(Section, frozen=True):
    """Who is asked. Header values may be `env:NAME`."""

    blue: str = ""
    green: str = ""
    twin: str = ""
    blue_headers: dict[str, str] = {}
    green_headers: dict[str, str] = {}
    twin_headers: dict[str, str] = {}
    blue_host: str = ""
    green_host: str = ""
    connect_to: list[str] = []
    cacert: str = ""
    insecure: bool = False
    proxy: str = ""

    @property
    def urls(self) -> dict[str, str]:
        """Role to URL of those that are given."""
        return {role: url for role, url in (("blue", self.blue), ("green", self.green), ("twin", self.twin)) if url}


class Timeouts(Section, frozen=True):
    """Split timeouts; the green_ forms default to the plain ones."""

    connect: str = "5s"
    ttfb: str = "30s"
    idle: str = "30s"
    total: str = "300s"
    green_connect: str = ""
    green_ttfb: str = ""
    green_idle: str = ""
    green_total: str = ""


class DialogRules(Section, frozen=True):
    """How conversations without HTTP (messages, ShareGPT) become requests."""

    path: str = "/v1/chat/completions"
    body: dict[str, Any] = {}
    turns: Literal["last", "all"] = "last"


class Capture(Section, frozen=True):
    """What is read and what is sent of it."""

    format: str = ""
    post: str = ""
    allow_methods: list[str] = []
    allow: list[str] = []
    deny: list[str] = []
    sample: str = "100%"
    sample_by: str = ""
    route_by: str = ""
    routes: list[str] = []
    sort_window: int = 1000
    max_backlog: str = "64MiB"
    send_incomplete: bool = False
    dialogs: DialogRules = DialogRules()


class Sessions(Section, frozen=True):
    """Which requests belong together, and what is kept for each of them."""

    by: str = ""
    correlate: bool = True
    cookies: bool = True
    handover: int = 0


class Isolate(Section, frozen=True):
    """A place where a client-supplied id stands."""

    path: str


class Correlate(Section, frozen=True):
    """Where a target mints a value ('POST /sessions json:/id') and, optionally, where later requests carry it."""

    source: str = msgspec.field(name="from")
    to: list[str] = []


class Rewrite(Section, frozen=True):
    """Changes to what one target (or all) gets, for requests that match. Values may be `env:NAME`."""

    target: Literal["all", "blue", "green", "twin"] = "all"
    match: str = "*"
    path_prefix: str = ""
    replace_prefix: dict[str, str] = {}
    set_header: dict[str, str] = {}
    add_header: dict[str, str] = {}
    remove_header: list[str] = []
    set_query: dict[str, str] = {}
    remove_query: list[str] = []
    set_json: dict[str, Any] = {}
    remove_json: list[str] = []


class PluginUse(Section, frozen=True):
    """A plugin by name or pkg.mod:Name, with its options."""

    use: str
    options: dict[str, Any] = {}


class CustomChat(Section, frozen=True):
    """A chat dialect of the service's own, by JSON Pointers."""

    text: str
    mode: Literal["delta", "whole"] = "delta"
    reasoning: str = ""
    done: str = ""
    error: str = ""
    citations: str = ""
    finish: str = ""


class Decode(Section, frozen=True):
    """How answers are read."""

    chat: list[CustomChat] = []


class ScoreRules(Section, frozen=True):
    """What counts as a difference."""

    profile: Literal["strict", "stable", "sampled"] = "stable"
    ignore: list[str] = []
    unordered: list[str] = []
    tolerance: dict[str, float] = {}
    required: list[str] = []
    forbidden: list[str] = []
    headers: list[str] = []
    max_length_change: str = ""
    min_similarity: str = ""
    extract: list[str] = []
    tuned_on: list[str] = []
    scorers: list[PluginUse] = []


class RouteRule(Section, frozen=True):
    """A route (or a pattern with *) with a budget of its own."""

    match: str
    max_divergence: str


class GateRules(Section, frozen=True):
    """When a release passes and fails."""

    mode: Literal["evidence", "simple", "census"] = "evidence"
    unit: Literal["auto", "request"] = "auto"
    max_divergence: str = "5%"
    max_mismatches: int = 0
    max_errors: str = ""
    max_5xx: str = ""
    max_critical: str = ""
    max_similarity_drop: str = ""
    max_slowdown: str = ""
    max_ttft_slowdown: str = ""
    max_token_growth: str = ""
    slo_ttfb: str = ""
    slo_total: str = ""
    slo_share: str = "1%"
    alpha: str = "1%"
    beta: str = "5%"
    margin: str = "0%"
    min_fail: int = 20
    min_pass: int = 100
    after: int = 30
    must_cover: list[str] = []
    routes: list[RouteRule] = []
    accept: str = ""
    stop_on: Literal["", "fail", "any", "none"] = ""  # empty: `fail` of a replay, `none` of a service


class Control(Section, frozen=True):
    """Blue asked twice where there is no twin; mismatches asked again of both."""

    enabled: bool = True
    share: str = "100%"
    confirm: int = 0


class Sending(Section, frozen=True):
    """How hard and how faithfully."""

    rate: str = ""
    speed: str = ""
    max_gap: str = ""
    loop: int = 1
    max_in_flight: int = 16
    workers: int = 1
    limit: int = 0
    warmup: int = 0
    duration: str = ""
    budget: str = ""
    seed: int = 0
    transport: str = "wire"
    max_body: str = "1MiB"
    forward_auth: bool = False
    isolation: bool = True
    isolation_group: str = ""
    marker: bool = True


class Report(Section, frozen=True):
    """What is written and how the release is called."""

    service: str = ""
    candidate: str = ""
    lang: Literal["en", "zh"] = "en"
    store_bodies: Literal["all", "mismatched", "none"] = "mismatched"
    tekton_results: str = ""


class KafkaRules(Section, frozen=True):
    """How brokers are reached, who counts together, and where results go."""

    group: str = ""
    results: str = ""
    tls: bool = False
    cacert: str = ""
    cert: str = ""
    key: str = ""
    sasl: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    user: str = ""
    password: str = ""
    replicas: int = 1
    options: dict[str, str | int | float | bool] = {}


class Service(Section, frozen=True):
    """How a sidecar answers, and what its windows are."""

    api: str = "127.0.0.1:8780"
    token: str = ""
    epoch: int = 0
    stale: str = "15m"
    min_open: str = "0s"
    drain: str = "10s"
    candidate_from: str = ""
    log: Literal["text", "json"] = "text"
    reload_targets: bool = False
    listen: str = ""
    record: str = ""
    record_limit: str = "1GiB"
    max_queue: str = "64MiB"


class Otel(Section, frozen=True):
    """Where traces go. Header values may be `env:NAME`."""

    endpoint: str = ""
    headers: dict[str, str] = {}
    propagate: bool = False


class ActionRule(Section, frozen=True):
    """What is done about a verdict. Which keys an action takes depends on `use`."""

    use: str
    on: list[str] = []
    name: str = ""
    timeout: str = "30s"
    attempts: int = 3
    command: list[str] = []
    url: str = ""
    urls: list[str] = []
    secret: str = ""
    headers: dict[str, str] = {}
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    resend: str = ""
    lasts: str = ""
    rollout: str = ""
    resource: str = ""
    patch: list[dict[str, Any]] = []
    merge: dict[str, Any] = {}
    kubeconfig: str = ""
    context: str = ""
    options: dict[str, Any] = {}


class Rollback(Section, frozen=True):
    """What `check --rollback` looks at."""

    deployment: str = ""
    min_ready: int = 1
    kubeconfig: str = ""
    context: str = ""


class Act(Section, frozen=True):
    """Whether actions act."""

    mode: Literal["on", "dry-run", "off"] = "on"


class Config(Section, frozen=True):
    """The whole of shadowdiff.toml."""

    version: Literal[1] = 1
    targets: Targets = Targets()
    timeouts: Timeouts = Timeouts()
    capture: Capture = Capture()
    sessions: Sessions = Sessions()
    isolate: list[Isolate] = []
    correlate: list[Correlate] = []
    rewrite: list[Rewrite] = []
    decode: Decode = Decode()
    score: ScoreRules = ScoreRules()
    gate: GateRules = GateRules()
    control: Control = Control()
    send: Sending = Sending()
    report: Report = Report()
    service: Service = Service()
    kafka: KafkaRules = KafkaRules()
    otel: Otel = Otel()
    act: Act = Act()
    rollback: Rollback = Rollback()
    actions: list[ActionRule] = []

    @property
    def hash(self) -> str:
        """Twelve hex digits over every setting; the same settings, the same hash."""
        return digest(self)


def digest(value: Any) -> str:
    """Twelve hex digits that tell one value from another, whatever the order of its keys."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:12]
