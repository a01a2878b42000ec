"use strict";
// Paints each state of /events. Whatever a target said comes in as text, never as markup.
const WORDS = { pass: "Go", fail: "Stop", inconclusive: "Undecided", error: "Not measured", aborted: "Interrupted" };
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const pct = (x) => `${Number((100 * x).toFixed(Math.abs(x) < 0.1 ? 1 : 0))}%`;
const seconds = (s) => (s === null || s === undefined ? "–" : s < 1 ? `${(1000 * s).toFixed(s < 0.01 ? 1 : 0)} ms` : `${s.toFixed(2)} s`);
const atMost = (s) => (s === null ? "over 80 s" : `≤ ${seconds(s)}`);
const clock = (t) => new Date(1000 * t).toLocaleTimeString();

function element(name, text, cls) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return made;
}

function row(cells) {
  const made = element("tr");
  cells.forEach((cell, number) => made.append(element("td", cell, number ? "n" : "")));
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function chart(points, limit) {
  const top = Math.min(1, Math.max(2 * limit, ...points.map((p) => (p[1] ? p[3] * 1.3 : 0)), 0.02));
  const first = points.length ? points[0][0] : 0;
  const span = points.length > 1 ? points[points.length - 1][0] - first : 1;
  const x = (number) => (600 * (points[number][0] - first)) / span;
  const y = (value) => 158 - 156 * Math.min(1, Math.max(0, value) / top);
  const upper = points.map((p, n) => `${x(n)},${y(p[4])}`);
  const lower = points.map((p, n) => `${x(n)},${y(p[2])}`).reverse();
  at("chart").replaceChildren(
    shape("polygon", { class: "band", points: [...upper, ...lower].join(" ") }),
    shape("line", { class: "limit", x1: 0, x2: 600, y1: y(limit), y2: y(limit) }),
    shape("polyline", { class: "line", points: points.map((p, n) => `${x(n)},${y(p[3])}`).join(" ") }),
  );
  if (points.length)
    at("span").textContent = `${clock(points[0][0])} to ${clock(points[points.length - 1][0])}; 0% to ${pct(top)}; dashed: the limit, ${pct(limit)}`;
}

function tiles(ledger, inFlight) {
  const shown = ["read", "matched", "mismatched", "ignored", "errored", "dropped", "sampled_out", "skipped"];
  const made = shown.map((name) => {
    const tile = element("div", undefined, "tile" + (["mismatched", "dropped"].includes(name) && ledger[name] ? " bad" : ""));
    tile.append(element("b", String(ledger[name] ?? 0)), name.replace("_", " "));
    return tile;
  });
  const flying = element("div", undefined, "tile");
  flying.append(element("b", String(inFlight)), "in flight");
  at("ledger").replaceChildren(...made, flying);
}

function finding(one) {
  const made = element("li");
  made.append(element("span", `${clock(one.at)} `, "dim"), element("code", one.route), ` ${one.rules.join(", ")}: ${one.why} `, element("span", one.id, "dim"));
  return made;
}

function paint(state) {
  const d = state.divergence;
  document.title = `${WORDS[state.verdict]} · ${state.candidate || state.service || "shadowdiff"}`;
  at("name").textContent = [state.service || "shadowdiff", state.candidate].filter(Boolean).join(" · ");
  at("verdict").className = `verdict ${state.verdict}`;
  at("word").textContent = WORDS[state.verdict];
  at("reason").textContent = state.reason;
  at("numbers").textContent = d.n
    ? `${pct(Math.max(0, d.rate))} of ${d.n} ${d.unit}s differ, between ${pct(Math.max(0, d.low))} and ${pct(d.high)}; ${pct(d.limit)} is allowed`
    : `nothing compared yet; ${pct(d.limit)} is allowed`;
  chart(state.points, d.limit);
  tiles(state.ledger, state.in_flight);
  at("reasons").replaceChildren(...Object.entries(state.reasons).map(([why, n]) => element("li", `${n} × ${why}`)));
  at("latency").replaceChildren(
    ...Object.entries(state.latency)
      .filter(([name]) => name !== "lag")
      .map(([name, side]) => row([name, side.n, seconds(side.mean_s), atMost(side.p50_at_most_s), atMost(side.p99_at_most_s)])),
  );
  at("routes").replaceChildren(
    ...state.routes.map((r) => {
      const made = row([r.route, r.n, r.mismatched, `${pct(Math.max(0, r.low))} to ${pct(r.high)}`]);
      if (r.low > d.limit) made.className = "over";
      return made;
    }),
  );
  at("causes").replaceChildren(...(state.causes.length ? state.causes.map((text) => element("li", text)) : [element("li", "none", "dim")]));
  at("findings").replaceChildren(...(state.findings.length ? state.findings.map(finding) : [element("li", "none", "dim")]));
  const c = state.config;
  at("config").textContent =
    `config ${c.hash} since ${c.since}` +
    (c.changed.length ? ` (${c.changed.join(", ")} changed; ${c.trial})` : "") +
    (c.error ? `; the last version was refused: ${c.error}` : "");
  at("link").textContent = state.stopping ? `ending: ${state.stopping}` : `live, up ${Math.round(state.up_s / 60)} min`;
  at("link").className = "";
  at("stop").hidden = Boolean(state.stopping);
}

async function stop() {
  const button = at("stop");
  if (button.disabled || button.hidden) return;
  if (!confirm("Stop sending? What is in the air is still judged, and clients of a proxy go on being served.")) return;
  button.disabled = true;
  const reply = await fetch("api/v1/stop", { method: "POST" });
  if (!reply.ok) button.textContent = reply.status === 401 ? "needs the token as a bearer: POST api/v1/stop" : `refused: ${reply.status}`;
}

function lost() {
  at("link").textContent = "connection lost; trying again…";
  at("link").className = "lost";
}

const source = new EventSource("events");
source.onmessage = (message) => paint(JSON.parse(message.data));
source.onerror = lost;
at("stop").onclick = stop;
document.addEventListener("keydown", (event) => {
  if (event.key === "s" && !event.ctrlKey && !event.metaKey && !event.altKey) stop();
});
