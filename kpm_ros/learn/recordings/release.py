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

"""Data sets in the published PianoKPM layout, real or simulated, mapped into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.cache import ArrayCache, Kept, usable_folder
from kpm_ros.learn.recordings.drawing import at_true_times
from kpm_ros.learn.recordings.identity import Identity, identities
from kpm_ros.learn.recordings.split_files import Splits, read_splits
from kpm_ros.learn.recordings.streams import common_length, read_effort, read_keys, read_pose
from kpm_ros.models.card import PIANOKPM_MUSCLES
from kpm_ros.simulate.release import release_layout as layout

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One performance: keys and effort sample by sample, pose frame by frame."""

    name: str
    task: int
    pianist: int
    take: str
    frames: Array
    """(frames, views x 42): view by view, landmark by landmark, x then y."""
    keys: Array
    """(samples, 88)"""
    effort: Array
    """(samples, muscles)"""

    def pose(self) -> Array:
        """Draw pose onto the samples by straight lines; frame j is at sample j x 1024 / 60."""
        return at_true_times(self.frames, 0, len(self.keys))


@dataclass(frozen=True)
class Release:
    """A data set's splits and performances; arrays are made on first use and kept."""

    root: Path
    splits: Splits
    views: tuple[str, ...]
    muscles: tuple[str, ...]
    simulated: bool
    """Whether the data set says of itself that it is simulated."""
    cache: ArrayCache = field(repr=False)
    image_size: tuple[int, int] | None = None
    whole: Release | None = None
    """The data set that this is a part of."""

    def part(self, splits: Splits) -> Release:
        """Take only some performances; who they are of is still told by all."""
        return replace(self, splits=splits, whole=self.whole or self)

    @property
    def names(self) -> tuple[str, ...]:
        """All performances of any split."""
        return tuple(dict.fromkeys(name for names in self.splits.values() for name in names))

    def performance(self, name: str) -> Recording:
        """Map one performance into memory; a ValueError says what is wrong with its files."""
        pose, keys, effort = self._streams(name)
        length = common_length(name, len(pose.array), len(keys.array), len(effort.array))
        about = layout.parse_name(name)
        return Recording(
            name,
            *about,
            pose.array[: length.frames],
            keys.array[: length.samples],
            effort.array[: length.samples],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything in the splits and their files, the same wherever they lie.

        Reads every file that was not used before.
        """
        digest = hashlib.sha256()
        digest.update(json.dumps([self.splits, self.views, self.image_size]).encode())
        for name in sorted(self.names):
            contents = [content for kept in self._streams(name) for content in kept.digests]
            digest.update(json.dumps([name, contents]).encode())
        return digest.hexdigest()

    @cached_property
    def identities(self) -> dict[str, Identity]:
        """Whose each performance is and what is played, known in any folder."""
        return self.whole.identities if self.whole else identities(self)

    def _streams(self, name: str) -> tuple[Kept, Kept, Kept]:
        """Pose, keys and effort as their files have them."""
        views = [self._file(_view_folder(view), name) for view in self.views]
        keys = self._file(layout.KEYS_FOLDER, name)
        effort = self._file(layout.EFFORT_FOLDER, name)
        pose_name = f"pose_{'+'.join(self.views)}/{name}"
        return (
            self.cache.get(
                pose_name, views, lambda: read_pose(views, self.image_size), str(self.image_size)
            ),
            self.cache.get(f"keys/{name}", [keys], lambda: read_keys(keys)),
            self.cache.get(
                f"effort/{name}", [effort], lambda: read_effort(effort, len(self.muscles))
            ),
        )

    def _file(self, folder: str, name: str) -> Path:
        return self.root / folder / f"{name}{layout.SUFFIX}"


def open_release(
    root: Path,
    split_file: str = layout.HELD_OUT,
    views: Sequence[str] = ("top", "right"),
    cache: Path | None = None,
    image_size: tuple[int, int] | None = None,
) -> Release:
    """Open a data set; a ValueError says in a sentence what is wrong with its folder.

    `image_size` (width, height) is for landmarks in pixels. The arrays are kept in `cache`, which
    is a folder inside the data set unless that cannot be written to.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no data set at {root}: it must be a folder")
    if not views or len(set(views)) != len(views):
        raise ValueError(f"views must be different names, not {', '.join(views) or 'none'}")
    if image_size is not None and min(image_size) <= 0:
        raise ValueError(f"image_size must be width and height in pixels, not {image_size}")
    _folders_exist(root, views)
    splits = read_splits(root / split_file)
    release = Release(
        root,
        splits,
        tuple(views),
        PIANOKPM_MUSCLES,
        _says_simulated(root),
        ArrayCache(_cache_folder(root, cache)),
        image_size,
    )
    _files_exist(release)
    return release


def _view_folder(view: str) -> str:
    return layout.POSE_FOLDER.format(view=view)


def _folders_exist(root: Path, views: Sequence[str]) -> None:
    for folder in (layout.KEYS_FOLDER, layout.EFFORT_FOLDER):
        if not (root / folder).is_dir():
            raise ValueError(f"{root} is no data set in the published layout: it has no {folder}/")
    for view in views:
        if not (root / _view_folder(view)).is_dir():
            known = sorted(path.name[5:] for path in root.glob(_view_folder("*")))
            raise ValueError(
                f"{root} has no view {view!r} (no folder {_view_folder(view)}); its views are: "
                f"{', '.join(known) or 'none'}"
            )


def _files_exist(release: Release) -> None:
    """Look for every file that the splits name."""
    folders = [_view_folder(view) for view in release.views]
    folders += [layout.KEYS_FOLDER, layout.EFFORT_FOLDER]
    for folder in folders:
        there = {path.name for path in (release.root / folder).iterdir()}
        missing = [name for name in release.names if f"{name}{layout.SUFFIX}" not in there]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise ValueError(
                f"{release.root / folder} lacks {missing[0]}{layout.SUFFIX}{more}, which the "
                "split file names"
            )


def _says_simulated(root: Path) -> bool:
    """Whether a manifest of the simulator lies in the folder, in whatever state."""
    return (root / layout.MANIFEST).exists()


def _cache_folder(root: Path, chosen: Path | None) -> Path:
    if chosen is not None:
        return Path(chosen).expanduser()
    # Two data sets of the same name must not share a folder.
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return usable_folder(root / ".arrays", place)
