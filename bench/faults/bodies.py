"""JSON and HTML bodies with planted faults and harmless changes, after the catalogue of the design's research.

Every JSON answer carries fresh fields, as a service's do; `controls` gives what blue says when asked twice, from which a
judge may learn them.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator

from bench.faults.corpus import Answer
from bench.faults.plant import FAULTS

Change = Callable[[dict, random.Random], None]
ENVELOPED = (
    "truncated", "empty", "refusal", "error", "partial error", "number", "unit", "negation", "list item lost",
    "sentence lost", "wrong language", "repetition", "leak",
)  # fmt: skip


def item(n: int) -> dict:
    """A shop's article, of invented values."""
    return {
        "id": f"A{n}", "price": 10.57 + n, "stock": 3 + n % 7, "active": n % 2 == 0, "status": ("open", "sold", "held")[n % 3],
        "listed": f"2026-{1 + n % 12:02}-{1 + n % 27:02}", "name": f"Folding chair model {n}", "tags": ["new", "sale", "oak"],
        "vendor": {"name": f"Maker {n}", "city": "Harbourtown", "contact": {"mail": f"m{n}@example.org", "open": True}},
        "variants": [{"sku": f"S{n}-{k}", "size": 40 + k, "left": k} for k in range(4)],
        "ranking": [f"R{n * 3 + k}" for k in range(5)],
    }  # fmt: skip


def fresh(value: dict, rng: random.Random) -> dict:
    """As a service answers: an id, a time, a duration and a host of this answer alone, and a set in any order."""
    made = copy.deepcopy(value)
    if isinstance(made.get("tags"), list):
        rng.shuffle(made["tags"])
    moment = f"2026-03-{rng.randint(10, 28)}T{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z"
    meta = {
        "trace": f"{rng.getrandbits(64):016x}",
        "served_at": moment,
        "took_ms": rng.randint(2, 90),
        "host": f"web-{rng.randint(1, 9)}",
    }
    return made | {"meta": meta}


def _move(value: dict, rng: random.Random) -> None:
    value["city"] = value["vendor"].pop("city")


def _rename(old: str, new: str) -> Change:
    def change(value: dict, rng: random.Random) -> None:
        value[new] = value.pop(old)

    return change


def _set(key: str, made: Callable[[dict, random.Random], object]) -> Change:
    def change(value: dict, rng: random.Random) -> None:
        value[key] = made(value, rng)

    return change


JSON_FAULTS: dict[str, Change] = {
    "key missing": lambda v, r: v.pop("stock"), "subtree missing": lambda v, r: v["vendor"].pop("contact"),
    "renamed, other case": _rename("stock", "inStock"), "renamed, suffix": _rename("price", "price_v2"),
    "number as text": _set("price", lambda v, r: str(v["price"])), "bool as text": _set("active", lambda v, r: str(v["active"]).lower()),
    "null": _set("vendor", lambda v, r: None), "one item lost": lambda v, r: v["variants"].pop(r.randrange(4)),
    "half the items": _set("variants", lambda v, r: v["variants"][:2]), "no items": _set("variants", lambda v, r: []),
    "other status": _set("status", lambda v, r: "void"), "no cents": _set("price", lambda v, r: int(v["price"])),
    "one decimal": _set("price", lambda v, r: round(v["price"], 1)), "plus one": _set("stock", lambda v, r: v["stock"] + 1),
    "times ten": _set("price", lambda v, r: v["price"] * 10), "zero": _set("stock", lambda v, r: 0),
    "flipped": _set("active", lambda v, r: not v["active"]), "empty text": _set("name", lambda v, r: ""),
    "half the text": _set("name", lambda v, r: v["name"][:9]), "other text": _set("name", lambda v, r: "Garden bench"),
    "a day later": _set("listed", lambda v, r: v["listed"][:-2] + "28"),
    "rank shuffled": _set("ranking", lambda v, r: v["ranking"][::-1]),
    "item twice": lambda v, r: v["variants"].append(v["variants"][0]), "moved out": _move,
}  # fmt: skip
HTML = (
    "<!doctype html><html><head><title>Chair {n}</title><script nonce='{nonce}'>var t={t};</script></head><body>"
    "<h1 class='big'>Folding chair {n}</h1><section><h2>Price</h2><table><tr><th>one</th><td>{p} dollars</td></tr>"
    "<tr><th>ten</th><td>{q} dollars</td></tr></table></section><section><h2>About</h2><p>Made of oak in the old harbour "
    "by hand, and delivered within {d} days to your door.</p><ul><li>red</li><li>blue</li></ul></section>"
    "<a href='/buy/{n}'>Buy</a><a href='/help'>Help</a></body></html>"
)
HTML_FAULTS: dict[str, Callable[[str, int], str]] = {
    "section lost": lambda page, n: page[: page.rindex("<section>")] + page[page.rindex("</section>") + 10 :],
    "title": lambda page, n: page.replace(f"<title>Chair {n}", "<title>Table"),
    "cell": lambda page, n: page.replace(f"{n + 5} dollars", f"{n + 6} dollars"),
    "link lost": lambda page, n: page.replace(f"<a href='/buy/{n}'>Buy</a>", "Buy"),
    "link to #": lambda page, n: page.replace(f"/buy/{n}", "#"),
    "template tag": lambda page, n: page.replace("your door", "{{ customer_door }}"),
    "cut": lambda page, n: page[: int(len(page) * 0.6)],
    "error page": lambda page, n: "<html><head><title>502</title></head><body><h1>502 Bad Gateway</h1></body></html>",
    "empty body": lambda page, n: page[: page.index("<body>") + 6] + "</body></html>",
    "number in text": lambda page, n: page.replace(f"{n % 9 + 2} days", f"{n % 9 + 5} days"),
    "broken characters": lambda page, n: page.replace("oak", "o\ufffdk\ufffd"),
}
HTML_BENIGN: dict[str, Callable[[str, int], str]] = {
    "fresh nonce": lambda page, n: page,
    "classes": lambda page, n: page.replace("class='big'", "class='huge wide'"),
    "minified": lambda page, n: page.replace("'", '"'),
    "indented": lambda page, n: page.replace("><", ">\n  <"),
}  # fmt: skip


def page(n: int, rng: random.Random) -> str:
    """A page with a nonce and a time of its own."""
    return HTML.format(
        n=n, nonce=f"{rng.getrandbits(32):08x}", t=rng.randint(10**9, 2 * 10**9), p=n + 5, q=9 * n + 40, d=n % 9 + 2
    )


def controls(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """(endpoint, blue, blue again): ten JSON answers, ten in an envelope, twelve texts with a footer."""
    for n in range(100, 110):
        yield "json", json.dumps(fresh(item(n), rng)), json.dumps(fresh(item(n), rng))
        told = {"answer": f"Chair {n} is made of oak and takes {n % 9 + 2} days to arrive at your door, as a rule."}
        yield "envelope", json.dumps(fresh(told, rng)), json.dumps(fresh(told, rng))
    for n in range(12):
        text = f"Chair {n} is made of oak and takes {n % 9 + 2} days to arrive at your door, as a rule."
        yield "footer", footed(text, rng), footed(text, rng)


def footed(text: str, rng: random.Random) -> str:
    """A text with the kind of line that changes from answer to answer."""
    return f"{text}\n\nAnswer {rng.getrandbits(32):08x} served at 2026-03-{rng.randint(10, 28)} {rng.randint(10, 23)}:{rng.randint(10, 59)}"


def bodies(written: list[Answer], rng: random.Random) -> Iterator[tuple[str, str, str, str, str, bool]]:
    """(kind, endpoint, fault, blue, green, regression)."""
    for n in range(20):
        value = item(n)
        for fault, change in JSON_FAULTS.items():
            changed = copy.deepcopy(value)
            change(changed, rng)
            if changed != value:
                yield "json", "json", fault, json.dumps(fresh(value, rng)), json.dumps(fresh(changed, rng)), True
        blue = json.dumps(fresh(value, rng))
        yield "json", "json", "cut", blue, json.dumps(fresh(value, rng))[:-12], True
        yield "json", "json", "error body", blue, json.dumps({"error": {"code": 500, "message": "internal"}}), True
        harmless = {
            "fresh fields": json.dumps(fresh(value, rng)),
            "key order": json.dumps(dict(reversed(fresh(value, rng).items()))),
            "indented": json.dumps(fresh(value, rng), indent=2),
            "not escaped": json.dumps(fresh(value, rng), ensure_ascii=False),
            "1 and 1.0": json.dumps(fresh(value | {"stock": float(value["stock"])}, rng)),
            "1e-13 jitter": json.dumps(fresh(value | {"price": value["price"] * (1 + 1e-13)}, rng)),
        }
        for fault, green in harmless.items():
            yield "json", "json", fault, blue, green, False
        for fault, spoil in HTML_FAULTS.items():
            yield "html", "html", fault, page(n, rng), spoil(page(n, rng), n), True
        for fault, dress in HTML_BENIGN.items():
            yield "html", "html", fault, page(n, rng), dress(page(n, rng), n), False
    for answer in rng.sample(written, 24):
        for fault in ENVELOPED:
            green = FAULTS[fault](answer, written, rng)
            if green is not None:
                one, two = (
                    fresh({"answer": text, "sources": [{"id": 1, "title": "Help"}]}, rng)
                    for text in (answer.text, green)
                )
                yield (
                    "json",
                    "envelope",
                    f"answer: {fault}",
                    json.dumps(one),
                    json.dumps(two, ensure_ascii=False),
                    True,
                )
        yield "text", "footer", "fresh footer", footed(answer.text, rng), footed(answer.text, rng), False
