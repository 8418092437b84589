"""An edition has one version: what says it, and what else stands in several files, agrees."""

import json
import os
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import neuroevo

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
ZENODO = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
CHANGES = (ROOT / "CHANGELOG.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EDITIONS = re.findall(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)$", CHANGES, re.MULTILINE)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_version_stands_in_one_place_of_the_code():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "neuroevo.__version__"}
    # Installed before the version was raised, the package may say an older one; never another shape.
    assert Version(metadata.version("neuroevo")) <= Version(neuroevo.__version__)


def test_what_is_cited_is_the_newest_edition():
    newest, date = EDITIONS[0]
    assert CITATION["version"] == ZENODO["version"] == newest
    assert str(CITATION["date-released"]) == date
    assert str(CITATION["preferred-citation"]["year"]) == date[:4]


def test_the_code_is_that_edition_or_on_its_way_to_the_next():
    version, newest = Version(neuroevo.__version__), Version(EDITIONS[0][0])
    unreleased = CHANGES.partition("## [Unreleased]")[2].partition("\n## [")[0]
    if version.is_devrelease:
        assert Version(version.base_version) > newest
        assert "\n- " in unreleased, "the next edition has no changes"
    else:
        assert version == newest
        assert "\n- " not in unreleased, "changes wait for a version above the released one"


def test_editions_are_in_order():
    versions, dates = zip(*((Version(version), date) for version, date in EDITIONS), strict=True)
    assert list(versions) == sorted(set(versions), reverse=True)
    assert list(dates) == sorted(dates, reverse=True)
    headings = re.findall(r"^## .*$", CHANGES, re.MULTILINE)
    assert headings == ["## [Unreleased]", *(f"## [{version}] - {date}" for version, date in EDITIONS)]


def test_records_describe_the_same_work():
    assert CITATION["title"] == CITATION["preferred-citation"]["title"] == ZENODO["title"]
    assert PROJECT["project"]["description"].startswith(ZENODO["title"])
    assert CITATION["abstract"] == re.sub("</?p>", "", ZENODO["description"])
    assert CITATION["keywords"] == ZENODO["keywords"]
    names = [author["name"] for author in CITATION["authors"]]
    assert names == [author["name"] for author in ZENODO["creators"]]
    assert names == [author["name"] for author in PROJECT["project"]["authors"]]
    assert ZENODO["license"] in PROJECT["project"]["license"]


def steps(workflow):
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_keep_what_pip_fetched_until_its_inputs_change(workflow):
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/setup-python"):
            assert step["with"]["cache"] == "pip"
            assert step["with"]["cache-dependency-path"].split() == ["pyproject.toml", "constraints.txt"]


def test_every_python_that_the_doctor_calls_tested_is_in_the_workflow():
    matrix = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))["jobs"]["test"]["strategy"][
        "matrix"
    ]
    pythons = {*matrix["python"], *(entry["python"] for entry in matrix["include"])}
    assert set(PROJECT["tool"]["course"]["tested-python"]) <= pythons


def test_the_development_container_opens_the_course():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    settings = json.loads(re.sub(r"(^|\s)//.*$", "", text, flags=re.MULTILINE))
    dockerfile = (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).read_text("utf-8")
    python = re.search(r"^FROM python:(\S+)$", dockerfile, re.MULTILINE)[1]
    assert Version(python) >= Version(PROJECT["project"]["requires-python"].removeprefix(">="))
    assert f" {settings['remoteUser']}\n" in dockerfile
    assert settings["postCreateCommand"].startswith("python3 course.py ")


def test_binder_builds_what_was_tested():
    python = (ROOT / ".binder" / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert python in PROJECT["tool"]["course"]["tested-python"]
    script = ROOT / ".binder" / "postBuild"
    assert script.read_text("utf-8").startswith("#!/bin/bash\n")
    if os.name == "posix":
        assert os.access(script, os.X_OK)
    installs = [line.split() for line in script.read_text("utf-8").splitlines() if line.startswith("pip install")]
    assert all(line[line.index("-c") + 1] == "constraints.txt" for line in installs)
    assert installs[-1][-2:] == ["-e", '".[lab]"']
    pins = (ROOT / "constraints.txt").read_text("utf-8").split()
    assert [pin for pin in pins if pin.startswith("torch==")]
    # Every package that the script's extra asks for, and the course itself, is pinned.
    extras = PROJECT["project"]["optional-dependencies"]
    asked = PROJECT["project"]["dependencies"] + extras["notebooks"] + extras["lab"]
    names = {canonicalize_name(Requirement(line).name) for line in asked} - {"neuroevo"}
    assert names <= {canonicalize_name(pin.partition("==")[0]) for pin in pins}
