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

"""What pianists have learnt, kept on disk, so that the same one need not learn it twice.

A file is named after all that its contents follow from: score, seed, person, and the versions and
source of what worked it out. It holds plain arrays, is written whole or not at all, and a broken
one counts as not there.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import ForeignFileError, read_arrays, reading
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.pianist import Learnt

_PACKAGES = ("kpm_ros", "mujoco", "myo-sim", "numpy")
_MOST_FILES = 12
_SUFFIX = ".npz"


def user_folder() -> Path:
    """Where the user's caches are, beside compiled code."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "kpm_ros" / "pianists"


class PianistCache:
    """One pianist's place among what is kept in a folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, score: Score, *traits: object) -> None:
        """Find the place: `traits` are all else that what is learnt follows from."""
        self._path = None
        if folder is not None:
            words = repr((score, traits)) + _origin()
            self._path = folder / (hashlib.sha256(words.encode()).hexdigest()[:32] + _SUFFIX)

    def load(self) -> Learnt | None:
        """What was learnt before, if it is there and whole."""
        if self._path is None:
            return None
        try:
            with reading(self._path, "what was learnt"):
                kept = read_arrays(self._path)
                learnt = Learnt(kept["knots"], kept["activation"])
        except ForeignFileError:
            return None
        whole = learnt.knots.ndim == learnt.activation.ndim == 2
        return learnt if whole and len(learnt.knots) == len(learnt.activation) else None

    def save(self, learnt: Learnt) -> None:
        """Write what was learnt; a folder that cannot be written to is left alone."""
        if self._path is None:
            return
        with suppress(OSError):
            with atomic_file(self._path) as file:
                np.savez(file, allow_pickle=False, **learnt._asdict())
            _forget_oldest(self._path.parent)


def _forget_oldest(folder: Path) -> None:
    """Remove all but the newest files."""
    newest_first = sorted(folder.glob("*" + _SUFFIX), key=lambda path: -path.stat().st_mtime)
    for path in newest_first[_MOST_FILES:]:
        path.unlink()


@cache
def _origin() -> str:
    """Versions and a digest of the source that learning runs through."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        digest.update(path.read_bytes())
    versions = []
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions.append(metadata.version(package))
    return " ".join([*versions, digest.hexdigest()])
