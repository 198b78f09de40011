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

"""Parts of a data set are made by whatever workers there are, also by those of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from kpm_ros.core.worker_pool import produce


class Part(NamedTuple):
    stem: str


class Squares:
    """Writes numbers, each into a file, by whichever process."""

    def open(self, root: Path) -> None:
        root.mkdir(exist_ok=True)

    def parts(self) -> list[Part]:
        return [Part(str(number)) for number in range(6)]

    def make(self, part: Part, root: Path) -> bool:
        file = root / part.stem
        if file.exists():
            return False
        file.write_text(str(int(part.stem) ** 2))
        return True

    def finish(self, root: Path) -> None:
        (root / "done").write_text("")


def test_where_no_scheduler_answers_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed")
    monkeypatch.setattr("kpm_ros.core.worker_pool.CONNECT_S", 0.2)
    with pytest.raises(ValueError, match=r"there is no scheduler at tcp://127\.0\.0\.1:1"):
        produce(tmp_path / "out", Squares(), 1, on="tcp://127.0.0.1:1")


def test_without_the_library_a_sentence_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install 'kpm_ros\[cluster\]'"):
        produce(tmp_path / "out", Squares(), 1, on="tcp://127.0.0.1:1")
