"use strict";
// Search over the pairs, copying, keys. Whatever a target said comes in as text, never as markup.
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const say = (text, values = {}) => (data.t[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const PAGE = 20;
const [ID, OUTCOME, ROUTE, CAUSE, WHY, BLUE, GREEN, TURN] = [0, 1, 2, 3, 4, 5, 6, 7];
const views = new Map([...document.querySelectorAll("details.pair")].map((view) => [view.dataset.id, view]));
const homes = new Map();
const texts = data.rows.map((row) => [row[ID], data.routes[row[ROUTE]], data.whys[row[WHY]], row[CAUSE] < 0 ? "" : data.causes[row[CAUSE]][1]].join("\n").toLowerCase());
let found = [];
let first = 0;
let chosen = -1;

function element(name, text, cls) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return made;
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

function fill() {
  const counts = (place, names) => names.map((name, n) => [n, name, data.rows.reduce((sum, row) => sum + (row[place] === n), 0)]).filter((one) => one[2]);
  at("f-outcome").append(option("", say("all outcomes")), ...counts(OUTCOME, data.outcomes).map(([n, name, count]) => option(n, `${name} (${count})`)));
  const causes = counts(CAUSE, data.causes.map((one) => one[1])).sort((a, b) => b[2] - a[2]);
  at("f-cause").append(option("", say("all causes")), ...causes.map(([n, name, count]) => option(n, `${name.slice(0, 80)} (${count})`)));
  const routes = counts(ROUTE, data.routes).sort((a, b) => b[2] - a[2]);
  at("f-route").append(option("", say("all routes")), ...routes.map(([n, name, count]) => option(n, `${name.slice(0, 80)} (${count})`)));
  at("f-order").append(...["order of the log", "slowest green first", "largest slowdown first"].map((text, n) => option(n, say(text))));
}

function search(keep) {
  const needles = at("q").value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcome = at("f-outcome").value, route = at("f-route").value, cause = at("f-cause").value;
  const group = cause.startsWith("=") ? new Set(folded(cause.slice(1))) : null;
  found = [];
  data.rows.forEach((row, n) => {
    if (outcome !== "" && row[OUTCOME] !== +outcome) return;
    if (route !== "" && row[ROUTE] !== +route) return;
    if (group ? !group.has(row[CAUSE]) : cause !== "" && row[CAUSE] !== +cause) return;
    if (needles.every((needle) => texts[n].includes(needle))) found.push(n);
  });
  const slow = { 1: (row) => row[GREEN], 2: (row) => row[GREEN] - row[BLUE] }[at("f-order").value];
  if (slow) found.sort((a, b) => slow(data.rows[b]) - slow(data.rows[a]) || a - b);
  if (!keep) {
    first = 0;
    chosen = -1;
  }
  paint();
}

function folded(name) {
  const names = data.folds[name] ?? [name];
  return names.map((one) => data.causes.findIndex((cause) => cause[0] === one));
}

function paint() {
  const shown = found.slice(first, first + PAGE);
  at("rows").tBodies[0].replaceChildren(...shown.map(line));
  const range = found.length ? say("{a} to {b} of {n} pairs", { a: first + 1, b: first + shown.length, n: found.length }) : say("no pair matches");
  at("count").textContent = range + (data.all > data.rows.length ? " · " + say("{n} pairs of {all} are on this page; the rest are in comparisons.jsonl.", { n: data.rows.length, all: data.all }) : "");
  at("place").textContent = found.length ? `${first / PAGE + 1} / ${Math.ceil(found.length / PAGE)}` : "";
  at("prev").disabled = first === 0;
  at("next").disabled = first + PAGE >= found.length;
}

function line(n, place) {
  const row = data.rows[n];
  const made = element("tr");
  const opener = element("button", row[ID], "id");
  opener.type = "button";
  opener.addEventListener("click", () => open(first + place));
  const cell = element("td");
  cell.append(opener);
  if (row[TURN]) cell.append(element("span", ` ${say("turn")} ${row[TURN]}`, "dim"));
  made.append(cell, element("td", data.outcomes[row[OUTCOME]]), element("td", data.routes[row[ROUTE]]), element("td", data.whys[row[WHY]]), element("td", row[BLUE] ? String(row[BLUE]) : "–", "n"), element("td", row[GREEN] ? String(row[GREEN]) : "–", "n"));
  [...at("rows").tHead.rows[0].cells].forEach((head, n) => (made.cells[n].dataset.name = head.textContent));
  if (first + place === chosen) made.className = "at";
  return made;
}

function mark(place) {
  chosen = Math.max(0, Math.min(found.length - 1, place));
  const page = Math.floor(chosen / PAGE) * PAGE;
  if (page !== first) first = page;
  paint();
  at("rows").querySelector("tr.at")?.scrollIntoView({ block: "nearest" });
}

// The view of a pair stands under its cause; while it is chosen it stands under the table.
function open(place) {
  mark(place);
  for (const [view, home] of homes) home.replaceWith(view);
  homes.clear();
  const id = data.rows[found[chosen]][ID];
  const view = views.get(id);
  const panel = at("chosen");
  if (view) {
    const home = document.createComment("");
    view.replaceWith(home);
    homes.set(view, home);
    view.open = true;
    panel.replaceChildren(view);
  } else {
    const command = at("reproduce").querySelector("code").textContent.replace(" gate ", " show ") + ` '${id}'`;
    const told = element("p", say("Its answers are not on this page. See them with:") + " ");
    told.append(element("code", command));
    panel.replaceChildren(element("h3", id), element("p", data.whys[data.rows[found[chosen]][WHY]]), told);
  }
  panel.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = say("copied");
  setTimeout(() => (button.textContent = before), 1200);
}

function only(button) {
  const names = folded(button.dataset.cause);
  at("f-cause").querySelector("option[value^='=']")?.remove();
  if (names.length === 1) at("f-cause").value = String(names[0]);
  else {
    const value = "=" + button.dataset.cause;
    at("f-cause").append(option(value, button.closest(".cause").querySelector("h3").textContent));
    at("f-cause").value = value;
  }
  at("q").value = at("f-outcome").value = at("f-route").value = "";
  search();
  at("pairs").scrollIntoView();
  at("f-cause").focus({ preventScroll: true });
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || at("keys").open) return;
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement.tagName);
  if (event.key === "Escape" && typing) {
    at("reset").click();
    document.activeElement.blur();
  } else if (!typing) {
    const acts = {
      "/": () => at("q").focus(),
      j: () => mark(chosen + 1),
      k: () => mark(chosen - 1),
      n: () => at("next").click(),
      p: () => at("prev").click(),
      "?": () => at("keys").showModal(),
    };
    const act = acts[event.key];
    if (event.key === "Enter" && chosen >= 0 && ["BODY", "DIV"].includes(document.activeElement.tagName)) open(chosen);
    else if (act && (found.length || !"jknp".includes(event.key))) act();
    else return;
  } else return;
  event.preventDefault();
}

fill();
if (data.rows.some((row) => row[OUTCOME] === 0)) at("f-outcome").value = "0";
let waiting = 0;
at("q").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 80);
});
for (const id of ["f-outcome", "f-cause", "f-route", "f-order"]) at(id).addEventListener("change", () => search());
document.querySelector("#browser form").addEventListener("reset", () => setTimeout(search));
document.querySelector("#browser form").addEventListener("submit", (event) => event.preventDefault());
at("prev").addEventListener("click", () => ((first = Math.max(0, first - PAGE)), paint()));
at("next").addEventListener("click", () => (first + PAGE < found.length && (first += PAGE), paint()));
at("help").addEventListener("click", () => at("keys").showModal());
at("keys-close").addEventListener("click", () => at("keys").close());
document.addEventListener("keydown", key);
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
for (const button of document.querySelectorAll("button.filter")) {
  button.hidden = false;
  button.addEventListener("click", () => only(button));
}
at("browser").hidden = !data.rows.length;
search();
if (location.hash.startsWith("#pair-")) document.querySelector(location.hash)?.setAttribute("open", "");
