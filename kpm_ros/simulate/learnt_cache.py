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

"""What simulated people have learnt, kept on disk, so that the same one need not learn it twice.

A file is named after all that its contents follow from: what is played or done, seed, person, and
the versions and source of what worked it out. It holds plain arrays, is written whole or not at
all, and a broken one counts as not there.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import ForeignFileError, read_arrays, reading
from kpm_ros.core.resources import user_cache

_PACKAGES = ("kpm_ros", "mujoco", "myo-sim", "numpy")
_MOST_FILES = 12
_SUFFIX = ".npz"


def user_folder(whose: str = "pianists") -> Path:
    """Where the user's caches are, beside compiled code."""
    return user_cache() / whose


class LearntCache:
    """One person's place among what is kept in a folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, *traits: object) -> None:
        """Find the place: `traits` are all that what is learnt follows from."""
        self._path = None
        if folder is not None:
            words = repr(traits) + _origin()
            self._path = folder / (hashlib.sha256(words.encode()).hexdigest()[:32] + _SUFFIX)

    def load(self, *names: str) -> tuple[NDArray[np.float64], ...] | None:
        """Arrays that were learnt before, one row an instant each, if they are there and whole."""
        if self._path is None:
            return None
        try:
            with reading(self._path, "what was learnt"):
                kept = read_arrays(self._path)
                found = tuple(kept[name] for name in names)
        except ForeignFileError:
            return None
        whole = all(one.ndim > 1 and len(one) == len(found[0]) > 0 for one in found)
        return found if whole else None

    def save(self, **arrays: NDArray[np.floating]) -> None:
        """Write what was learnt; a folder that cannot be written to is left alone."""
        if self._path is None:
            return
        with suppress(OSError):
            with atomic_file(self._path) as file:
                np.savez(file, allow_pickle=False, **arrays)
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
