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

"""`kpm session` with the real graph: simulated devices, a simulated person, one bag a take."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from kpm_ros.core.session_file import FILE, Session
from kpm_ros.replay.bag_reader import BagReader

SHORT = """
name: short
needs: [emg]
check_s: 3
ready_s: 1
tries: 2
steps:
  - {kind: rest, seconds: 1}
  - {kind: mvc, seconds: 2, muscles: [ADM]}
  - {kind: task, task: play, seconds: 1, prompt: Play.}
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "kpm_ros.cli", "session", *words]


def test_a_simulated_session_is_stopped_in_a_take_gone_on_with_and_recorded(tmp_path):
    """The real graph: one channel is dead, Ctrl-C comes in a take, and the rest follows later."""
    (tmp_path / "short.yaml").write_text(SHORT)
    (tmp_path / "params.yaml").write_text(
        "/**/simulator:\n  ros__parameters:\n    dead_channels: ['1DI']\n    score: ''\n"
    )
    folder = tmp_path / "S07"
    words = [str(folder), "--simulate", "--body", "plain", "--namespace", "kpm_session_test"]
    words += ["--params-file", str(tmp_path / "params.yaml")]
    first = subprocess.Popen(
        command(*words, "--person", "S07", "--protocol", str(tmp_path / "short.yaml")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = iter(first.stdout.readline, "")
        assert any(line.startswith("RECORDING | step 1 of 3") for line in lines)
        first.send_signal(signal.SIGINT)
        rest = first.stdout.read()
        assert first.wait(60) == 130, rest
    finally:
        first.kill()
    assert f"kpm session {folder}   goes on with the next take" in rest
    assert Session.read(folder).takes[-1].state == "failed"

    # A crash leaves a take that seems to be recorded still.
    content = json.loads((folder / FILE).read_text())
    content["takes"][-1] |= {"state": "recording", "why": ""}
    (folder / FILE).write_text(json.dumps(content))
    done = subprocess.run(
        command(str(folder)), capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    session = Session.read(folder)
    assert [(take.folder.removeprefix("takes/"), take.state) for take in session.takes] == [
        ("01_rest_1", "failed"),
        ("01_rest_2", "done"),
        ("02_mvc-ADM_1", "done"),
        ("03_play_1", "done"),
    ]
    assert session.takes[0].why == "the program ended in it"
    assert "simulated session of S07: 3 done, 1 failed" in done.stdout
    assert "EMG channel 1DI was not well in 3 of 3 takes" in done.stdout
    assert (session.simulated, session.parameters["simulator"]["seed"]) == (True, 7)
    assert session.model_sha256
    assert session.maxima["ADM"] > 10 * session.resting["ADM"] > 0
    with BagReader(folder / session.takes[2].folder) as bag:
        prompts = [bag.decode(m) for m in bag.messages(["/kpm_session_test/session/prompt"])]
        assert {(each.phase, each.muscle) for each in prompts} >= {(3, "ADM")}
        assert bag.counts["/kpm_session_test/emg/samples"] > 100
        start_ns, end_ns = bag.span_ns
        assert start_ns <= session.takes[2].began_ns < session.takes[2].ended_ns <= end_ns + 10**8
