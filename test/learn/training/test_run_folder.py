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

"""What a training writes down."""

from __future__ import annotations

import json
import math
import subprocess

import pytest
import torch

from kpm_ros.learn.training.checkpoints import CheckpointError, read_checkpoint
from kpm_ros.learn.training.progress import Progress
from kpm_ros.learn.training.run_folder import MetricsLog, RunFolder, git_revision, read_metrics


def progress(step):
    return Progress(step=step, losses={"loss": 1 / step, "squared": 0.5}, checked_rmse=0.25)


def test_lines_of_steps_that_were_lost_are_taken_out(tmp_path):
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path, every=2, begin=0)
    for step in range(1, 7):
        log.stepped(progress(step))
    log.checked(progress(7))
    assert [row["step"] for row in read_metrics(path)] == [2, 4, 6, 7]
    assert read_metrics(path)[-1]["validation_rmse"] == 0.25
    MetricsLog(path, every=2, begin=4).checked(progress(5))
    rows = read_metrics(path)
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert rows[1]["loss"] == 0.25


def test_numbers_that_json_does_not_know_are_null(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.open()
    folder.write(folder.config, {"limit": math.inf, "list": (1.5, math.nan)})
    assert json.loads(folder.config.read_text()) == {"limit": None, "list": [1.5, None]}


def test_the_revision_says_whether_the_code_was_changed(tmp_path):
    def git(*words):
        named = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", tmp_path, *named, *words], check=True, capture_output=True)

    code = tmp_path / "code.py"
    code.write_text("one = 1\n")
    assert git_revision(code) is None
    git("init")
    assert git_revision(code) is None
    git("add", "code.py")
    git("commit", "-m", "one")
    found = git_revision(code)
    assert len(found["revision"]) == 40
    assert found["changed"] is False
    code.write_text("two = 2\n")
    assert git_revision(code) == {**found, "changed": True}


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "last.ckpt"
    assert read_checkpoint(path, {}) is None
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="not a checkpoint of a training"):
        read_checkpoint(path, {})
    torch.save({"identity": {}, "global_step": 3}, path)  # as version 0.1.0 wrote them
    with pytest.raises(CheckpointError, match="not a checkpoint of a training"):
        read_checkpoint(path, {})
