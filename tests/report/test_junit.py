"""JUnit: valid against the schema, unique names, hostile text inert."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from shadowdiff.model.verdict import RouteResult, Status
from shadowdiff.report.junit import junit
from tests.conftest import SAMPLES
from tests.report.test_html import HOSTILE, verdict


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    path: Path = SAMPLES / "schemas" / "junit" / "junit-10.xsd"
    if not path.exists():
        pytest.skip(f"no schema at {path}; set SHADOWDIFF_SAMPLES")
    return etree.XMLSchema(etree.parse(path))


@pytest.mark.parametrize("status", list(Status))
def test_valid_for_every_verdict_with_unique_names(schema: etree.XMLSchema, status: Status) -> None:
    routes = tuple(
        RouteResult(f"GET /{text}", 10, 3, 0, 0, 0.3, 0.1, 0.5, ("structure", text), text)
        for text in [*HOSTILE, "\x00\ufffe", "正常"]
    )
    document = etree.fromstring(junit(verdict(verdict=status, reason=HOSTILE[0], routes=routes)))
    schema.assertValid(document)
    names = Counter((case.get("classname"), case.get("name")) for case in document.iter("testcase"))
    assert max(names.values()) == 1
    failed = document.xpath("testsuite[@name='gate']/testcase/failure")
    assert bool(failed) == (status is Status.FAIL)


def test_suite_is_route_and_case_is_rule() -> None:
    document = etree.fromstring(junit(verdict()))
    assert document.xpath("testsuite[@name='GET /a']/testcase[failure]/@name") == ["structure"]


def test_size_is_bounded() -> None:
    routes = tuple(
        RouteResult(f"GET /{n}" * 50, 10, 3, 0, 0, 0.3, 0.1, 0.5, ("structure",), "x") for n in range(2000)
    )
    assert len(junit(verdict(routes=routes))) < 3_000_000
