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

"""Damaged files of every kind end in success or in one sentence, within bounds, and change nothing.

They are tried in processes of their own (`child.py`), whose memory and processor time are limited,
so that a reader that would take a machine's memory or never end is caught.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.readers import GROUPS, READERS
from support import fuzzing

HERE = Path(__file__).resolve().parent
CPU_S = 60
"""Of processor time, of which a usual run takes two or three."""


@pytest.mark.parametrize("group", GROUPS)
def test_a_damaged_file_is_read_or_refused_in_words(group: str, tmp_path: Path) -> None:
    for name in GROUPS[group]:
        for library in READERS[name].libraries:
            pytest.importorskip(library)
    tmp_path.joinpath("tmp").mkdir()
    surroundings = {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path / "tmp"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parent.parent)]),
    }
    child = subprocess.run(
        [sys.executable, "-m", "fuzz.child", str(tmp_path), *GROUPS[group]],
        env={**os.environ, **surroundings},
        preexec_fn=_limit,
        capture_output=True,
        text=True,
        check=False,
    )
    told = f"{child.stdout[-3000:]}\n{child.stderr[-6000:]}"
    if child.returncode in (-signal.SIGXCPU, -signal.SIGALRM):
        told += f"\nit did not end: {_last(tmp_path)}"
    assert child.returncode == 0, told


def _limit() -> None:
    limit = round(CPU_S + len(READERS) * fuzzing.SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def test_every_reader_is_tried() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(READERS)


def _last(folder: Path) -> str:
    return folder.joinpath("last").read_text()
