# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""`kpm doctor`: everything tried, nothing that can hang it, and a status for programs."""

from __future__ import annotations

import json

import pytest

from kpm_ros import cli
from kpm_ros.operate import checkups
from kpm_ros.sense.checkup import Finding

FINE = Finding("cameras", "/dev/video0", "ok", "gives pictures")
ABSENT = Finding("MIDI ports", "ports", "none", "none found", "plug it in")
FAILING = Finding("cameras", "/dev/video1", "broken", "no permission", "sudo usermod -aG video me")


def doctor(capsys, *words):
    status = cli.main(["doctor", *words])
    return status, capsys.readouterr().out


@pytest.fixture
def found(monkeypatch):
    """What the doctor will find."""
    findings = []
    monkeypatch.setattr(checkups, "run_all", lambda patience_s: findings)
    return findings


def test_what_is_absent_is_no_fault(capsys, found):
    found += [FINE, ABSENT]
    status, out = doctor(capsys)
    assert status == 0
    assert "none found" in out
    assert "plug it in" in out


def test_what_is_there_and_fails_is_told_with_its_cure(capsys, found):
    found += [FINE, FAILING]
    status, out = doctor(capsys)
    assert status == 1
    assert "no permission" in out
    assert "to mend it: sudo usermod -aG video me" in out


def test_programs_get_the_same_as_json(capsys, found):
    found += [FINE, FAILING]
    status, out = doctor(capsys, "--json")
    report = json.loads(out)
    assert (status, report["healthy"]) == (1, False)
    assert report["findings"][1] == FAILING.as_dict()


def test_this_machine_is_examined_for_real(capsys):
    status, out = doctor(capsys, "--json", "--patience", "60")
    report = json.loads(out)
    areas = list(dict.fromkeys(each["area"] for each in report["findings"]))
    assert areas == list(dict.fromkeys(checkups.AREAS.values()))
    broken = [each for each in report["findings"] if each["state"] == "broken"]
    assert status == bool(broken)
    assert all(each["mend"] for each in broken)


def test_a_check_that_does_not_end_is_ended_and_called_broken():
    [finding] = checkups.run_one("python", "", 0.01)
    assert finding.state == "broken"
    assert "did not answer within 0.01 s" in finding.said


def test_a_check_that_crashes_is_called_broken_in_one_line():
    [finding] = checkups.run_one("midi", "an argument that it does not take/", 60)
    assert finding.state == "broken"
    assert "\n" not in finding.said
    assert "Error" in finding.said


def test_without_ros_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setattr(checkups.importlib.util, "find_spec", lambda name: None)
    [finding] = checkups.check_ros()
    assert finding.state == "missing"
    assert "make setup" in finding.mend


def test_packages_that_the_core_needs_are_named_when_they_lack(monkeypatch):
    monkeypatch.setattr(checkups.importlib.util, "find_spec", lambda name: None)
    broken = [each for each in checkups.check_python() if each.state == "broken"]
    assert [each.said for each in broken] == [f"not installed: {', '.join(checkups.CORE)}"]


def test_patience_that_makes_no_sense_is_refused(capsys):
    assert cli.main(["doctor", "--patience", "0"]) == 2
    assert "patience is 0" in capsys.readouterr().err
