"""The workflows, templates and hooks are valid, and run the targets of the Makefile."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

TOP = Path(__file__).parents[2]
GITHUB = TOP / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
SCHEMAS = {
    **{file: "github-workflows" for file in WORKFLOWS},
    **{file: "github-issue-forms" for file in (GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")},
    GITHUB / "ISSUE_TEMPLATE" / "config.yml": "github-issue-config",
    GITHUB / "dependabot.yml": "dependabot",
}


def read_yaml(file: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(file)


def relative_name(file: Path) -> str:
    return str(file.relative_to(TOP))


def make_targets(text: str) -> set[str]:
    return set(re.findall(r"\bmake ([a-z-]+)$", text, re.MULTILINE))


def commands(workflow: Path) -> str:
    steps = [step for job in read_yaml(workflow)["jobs"].values() for step in job["steps"]]
    return "\n".join(step.get("run", "") for step in steps)


@pytest.mark.parametrize("file", SCHEMAS, ids=relative_name)
def test_a_file_for_github_is_valid(file: Path):
    schema = f"vendor.{SCHEMAS[file]}"
    run = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_ci_runs_the_script_that_is_run_everywhere_else():
    assert "bash .ci/run" in commands(GITHUB / "workflows" / "ci.yml")
    script = make_targets((TOP / ".ci" / "run").read_text())
    assert {"check", "test", "binary", "test-binary"} <= script <= TARGETS


def test_a_release_is_built_by_targets_of_the_makefile():
    used = make_targets(commands(GITHUB / "workflows" / "release.yml"))
    assert {"binary", "test-binary", "wheel", "sbom", "image", "checksums"} == used
    assert used <= TARGETS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative_name)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(workflow: Path):
    assert read_yaml(workflow)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative_name)
def test_every_job_has_a_time_limit(workflow: Path):
    jobs = read_yaml(workflow)["jobs"]
    assert all("timeout-minutes" in job for job in jobs.values())


def test_the_hooks_run_the_checks_of_the_makefile():
    config = read_yaml(TOP / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = [hook["entry"] for hook in config["repos"][0]["hooks"]]
    _, _, rest = (TOP / "Makefile").read_text().partition("\ncheck: ")
    recipe = [line.strip() for line in rest.split("\n\n")[0].splitlines()[1:]]
    assert hooks == [line.replace("$(BIN)", ".venv/bin") for line in recipe]


def test_the_development_container_prepares_the_checks():
    container = json.loads((TOP / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"] == "make .venv/ready/check"
    assert (TOP / ".devcontainer" / container["build"]["dockerfile"]).exists()
