"""Everything under deploy/: valid by the published schemas, commands that exist, the known traps closed."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from shadowdiff.cli.main import COMMANDS, cli
from shadowdiff.config import load
from shadowdiff.report.prometheus import NAMES
from shadowdiff.report.tekton import NAMES as RESULTS
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
NOT_OBJECTS = (
    "prometheus/rules",
    "prometheus/scrape",
    "mirror/envoy",
    "alertmanager/",
    "kustomization",
    "github/",
    "kafka/",
)
OBJECTS = sorted(path for path in DEPLOY.rglob("*.y*ml") if not any(part in path.as_posix() for part in NOT_OBJECTS))


def documents(path: Path) -> list[Any]:
    return [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one]


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def commands() -> Iterator[tuple[str, list[str]]]:
    """(file, arguments) of every call of ours."""
    for path in sorted(one for one in DEPLOY.rglob("*") if one.is_file() and one.suffix not in (".md", ".pyc")):
        text = path.read_text("utf-8")
        if path.suffix in (".yaml", ".yml"):
            for document in yaml.safe_load_all(text):
                for node in walk(document):
                    if isinstance(node, dict) and node.get("command") == ["shadowdiff"]:
                        yield path.name, [str(one) for one in node["args"]]
                    if isinstance(node, str) and re.match(rf"shadowdiff ({'|'.join(COMMANDS)}) ", node):
                        yield path.name, shlex.split(node)[1:]
        else:
            for line in re.findall(r"'(shadowdiff [^']+)'", text):
                yield path.name, shlex.split(line)[1:]


def test_every_object_is_valid_by_its_published_schema(samples: Path) -> None:
    validator = samples.parent / "schemas" / "validate.py"
    if not validator.exists():
        pytest.skip(f"{validator} is not there")
    done = subprocess.run([sys.executable, str(validator), *map(str, OBJECTS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in OBJECTS:
        lines = [line for line in done.stdout.splitlines() if str(path) in line]
        assert lines and all(line.startswith("OK ") for line in lines), (path, lines)


@pytest.mark.parametrize(("name", "schema"), [("action.yml", "github-actions"), ("workflow.yml", "github-workflows")])
def test_github_s_files_are_valid(name: str, schema: str, samples: Path) -> None:
    import jsonschema

    document = yaml.safe_load((DEPLOY / "github" / name).read_text())
    document = {("on" if key is True else key): value for key, value in document.items()}
    jsonschema.validate(document, json.loads((samples.parent / "schemas" / "ci" / f"{schema}.json").read_text()))


def test_every_command_exists_with_its_options() -> None:
    found = list(commands())
    assert {name for name, _ in found} >= {
        "task.yaml", "analysis-job.yaml", "deployment.yaml", "sidecar.yaml", "shadow.gitlab-ci.yml", "Jenkinsfile",
        "action.yml",
    }  # fmt: skip
    for name, arguments in found:
        context = click.Context(cli)
        command = cli.get_command(context, arguments[0])
        assert command is not None, (name, arguments)
        command.make_parser(click.Context(command)).parse_args(arguments[1:])


def test_the_base_s_configuration_loads_and_its_files_are_there() -> None:
    base = DEPLOY / "kubernetes" / "base"
    config = load(base / "shadowdiff.toml", {}, {})
    assert config.service.listen.endswith(":8080") and config.actions[0].use == "argo-abort"
    kustomization = yaml.safe_load((base / "kustomization.yaml").read_text())
    named = [*kustomization["resources"], *kustomization["configMapGenerator"][0]["files"]]
    assert all((base / name).is_file() for name in named)


def test_pods_are_restricted_and_roles_are_narrow() -> None:
    for path in OBJECTS:
        for node in (one for document in documents(path) for one in walk(document)):
            if isinstance(node, dict) and node.get("name") == "shadowdiff" and "image" in node:
                guard = node["securityContext"]
                assert guard["readOnlyRootFilesystem"] and not guard["allowPrivilegeEscalation"], path
                assert guard["capabilities"] == {"drop": ["ALL"]} and "memory" in node["resources"]["limits"], path
            if isinstance(node, dict) and node.get("kind") == "Role" and "rules" in node:
                assert all(rule["resourceNames"] and "*" not in rule["verbs"] for rule in node["rules"])


def test_the_traps_of_argo_are_closed() -> None:
    web = documents(DEPLOY / "argo" / "analysis-web.yaml")[0]["spec"]["metrics"][0]
    assert web["successCondition"] and web["failureCondition"] and web["consecutiveSuccessLimit"] == 1
    assert web["inconclusiveLimit"] == web["count"] - 1 and web["failureLimit"] == 0
    job = documents(DEPLOY / "argo" / "analysis-job.yaml")[0]["spec"]["metrics"][0]
    assert job["provider"]["job"]["spec"]["backoffLimit"] == 0 and re.fullmatch(r"[a-z0-9-]{1,20}", job["name"])
    prometheus = documents(DEPLOY / "argo" / "analysis-prometheus.yaml")[0]["spec"]["metrics"][0]
    for condition in ("successCondition", "failureCondition"):
        assert "len(result) > 0 && !isNaN(result[0])" in prometheus[condition], "no data is neither"
    canary = documents(DEPLOY / "argo" / "rollout-canary.yaml")[0]["spec"]["strategy"]["canary"]
    steps = [
        argument["value"] for step in canary["steps"] if "analysis" in step for argument in step["analysis"]["args"]
        if argument["name"] == "step"
    ]  # fmt: skip
    assert (
        steps
        == [str(step["setWeight"]) for step in canary["steps"] if "setWeight" in step]
        == ["5", "25", "50", "100"]
    )
    blue_green = documents(DEPLOY / "argo" / "rollout-blue-green.yaml")[0]["spec"]["strategy"]["blueGreen"]
    assert "autoPromotionSeconds" not in blue_green and "prePromotionAnalysis" in blue_green


def test_flagger_s_types_have_addresses_of_their_own() -> None:
    hooks = documents(DEPLOY / "flagger" / "canary.yaml")[0]["spec"]["analysis"]["webhooks"]
    assert all(hook["url"].endswith(f"/flagger/{hook['type']}") for hook in hooks) and len(hooks) == 4


def test_the_task_declares_exactly_the_results_that_are_written() -> None:
    results = documents(DEPLOY / "tekton" / "task.yaml")[0]["spec"]["results"]
    assert {result["name"] for result in results} == set(RESULTS)


def test_the_image_is_small_not_root_and_has_what_its_manifests_use() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    assert re.search(r"^USER 65532:65532$", text, re.MULTILINE) and "-slim" in text
    assert 'ENTRYPOINT ["shadowdiff"]' in text
    extras = re.search(r'"\.\[([a-z,]+)\]"', text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extras and set(extras[1].split(",")) <= set(project["optional-dependencies"])
    for name in re.findall(r"^COPY ([\w. ]+) \./", text, re.MULTILINE):
        assert all((ROOT / part).exists() for part in name.split())


def test_envoy_s_route_mirrors_a_share() -> None:
    route = documents(DEPLOY / "mirror" / "envoy.yaml")[0]["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
    (policy,) = route["request_mirror_policies"]
    assert policy["cluster"] == "shadowdiff" and policy["trace_sampled"] is False


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    known = {re.sub(r"_(seconds|info)$", r"_\1", name) for name in NAMES}
    texts = [(DEPLOY / "prometheus" / "rules.yaml").read_text(), (DEPLOY / "grafana" / "dashboard.json").read_text()]
    used = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for text in texts
        for name in re.findall(r"(?<!:)\bshadowdiff_[a-z0-9_]+", text)
    }
    assert used and used <= known, used - known


def test_the_dashboard_is_what_its_code_makes() -> None:
    spec = importlib.util.spec_from_file_location("make", DEPLOY / "grafana" / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads((DEPLOY / "grafana" / "dashboard.json").read_text()) == module.dashboard()
    assert len({one["id"] for one in module.PANELS}) == len(module.PANELS)


@pytest.mark.real
@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "rules", "rules.yaml"],
        ["promtool", "test", "rules", "rules_test.yaml"],
        ["promtool", "check", "config", "--syntax-only", "scrape.yaml"],
        ["amtool", "check-config", "../alertmanager/alertmanager.yml"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_their_own_tools_accept_rules_and_routes(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: apt-get install prometheus prometheus-alertmanager")
    done = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
def test_prometheus_understands_the_query_of_argo(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    query = documents(DEPLOY / "argo" / "analysis-prometheus.yaml")[0]["spec"]["metrics"][0]["provider"][
        "prometheus"
    ]["query"]
    rule = {"groups": [{"name": "q", "rules": [{"record": "q", "expr": query}]}]}
    (tmp_path / "q.yaml").write_text(yaml.safe_dump(rule))
    done = subprocess.run(["promtool", "check", "rules", str(tmp_path / "q.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
