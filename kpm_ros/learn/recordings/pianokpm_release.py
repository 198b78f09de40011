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

"""Data sets in the layout that PianoKPM publishes, real or simulated, mapped into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.learn.recordings.cache import ArrayCache, Kept, usable_folder
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.pianokpm_files import (
    common_length,
    read_effort,
    read_keys,
    read_view,
)
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.recordings.released_cameras import read_released_cameras
from kpm_ros.learn.recordings.simulated_identity import (
    Manifest,
    describe_manifest,
    drawn_from,
    read_manifest,
)
from kpm_ros.learn.recordings.split_files import Splits, read_splits
from kpm_ros.models.pianokpm.published import MUSCLES, UNIT, VIEWS
from kpm_ros.simulate.release import release_layout as layout

PUBLISHED, SIMULATED = "PianoKPM's layout", "PianoKPM's layout, simulated"
KEYS = PianoKeys(rate_hz=layout.SAMPLE_RATE_HZ)
SPLIT_FILES = "dataset_*.json"


@dataclass(frozen=True)
class PianoKpmStore:
    """The files of a data set in the published layout; arrays are made on first use and kept."""

    root: Path
    views: tuple[str, ...]
    cache: ArrayCache
    image_size: tuple[int, int] | None
    simulated: bool
    cameras: Mapping[str, Mapping[str, Camera]] = field(default_factory=dict)
    """Of each pianist, by views, where the data set tells."""

    def recording(self, name: str) -> Recording:
        """Map one performance into memory; a ValueError says what is wrong with its files."""
        views, keys, effort = self._views(name), self._keys(name), self._effort(name)
        length = common_length(
            name,
            {view: len(kept.array) for view, kept in views.items()},
            len(keys.array),
            len(effort.array),
        )
        about = layout.parse_name(name)
        person, task = f"p{about.pianist}", f"t{about.task}"
        cameras = self.cameras.get(person, {})
        # Their frames were cleaned up afterwards, which fills gaps with what was seen before.
        series = [
            TimeSeries(_view(view, cameras.get(view)), kept.array[: length.frames], may_repeat=True)
            for view, kept in views.items()
        ]
        series.append(TimeSeries(KEYS, keys.array[: length.samples]))
        truth = Truth(MUSCLES, UNIT, layout.SAMPLE_RATE_HZ, effort.array[: length.samples])
        return Recording(name, person, task, about.take, tuple(series), truth)

    def digest(self, name: str) -> str:
        """Tell the content of a performance's files."""
        kept = (*self._views(name).values(), self._keys(name), self._effort(name))
        contents = [self.image_size, [one.digests for one in kept]]
        return hashlib.sha256(json.dumps(contents).encode()).hexdigest()

    def also_known_as(self, name: str) -> Identity:
        """Digests of the seeds that a simulated performance follows from."""
        return drawn_from(self._manifest, layout.parse_name(name))

    def check_files(self, splits: Splits) -> None:
        """Look for every file that the splits name."""
        names = list(dict.fromkeys(name for listed in splits.values() for name in listed))
        folders = [layout.POSE_FOLDER.format(view=view) for view in self.views]
        for folder in (*folders, layout.KEYS_FOLDER, layout.EFFORT_FOLDER):
            there = {path.name for path in (self.root / folder).iterdir()}
            missing = [name for name in names if f"{name}{layout.SUFFIX}" not in there]
            if missing:
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                raise ValueError(
                    f"{self.root / folder} lacks {missing[0]}{layout.SUFFIX}{more}, which the "
                    "split file names"
                )

    @cached_property
    def _manifest(self) -> Manifest | None:
        return read_manifest(self.root) if self.simulated else None

    def _views(self, name: str) -> dict[str, Kept]:
        return {view: self._one_view(view, name) for view in self.views}

    def _one_view(self, view: str, name: str) -> Kept:
        path = self._file(layout.POSE_FOLDER.format(view=view), name)
        return self.cache.get(
            f"pose_{view}/{name}",
            [path],
            lambda: read_view(path, len(_hand()), self.image_size),
            str(self.image_size),
        )

    def _keys(self, name: str) -> Kept:
        path = self._file(layout.KEYS_FOLDER, name)
        return self.cache.get(f"keys/{name}", [path], lambda: read_keys(path, KEYS.count))

    def _effort(self, name: str) -> Kept:
        path = self._file(layout.EFFORT_FOLDER, name)
        return self.cache.get(f"effort/{name}", [path], lambda: read_effort(path, len(MUSCLES)))

    def _file(self, folder: str, name: str) -> Path:
        return self.root / folder / f"{name}{layout.SUFFIX}"


def misses(root: Path) -> str:
    """Say what a folder lacks of the published layout; "" where it lacks nothing."""
    for folder in (layout.KEYS_FOLDER, layout.EFFORT_FOLDER):
        if not (root / folder).is_dir():
            return f"it has no {folder}/"
    return "" if _views_there(root) else f"it has no {layout.POSE_FOLDER.format(view='<view>')}/"


def open_release(
    root: Path,
    split_file: str = "",
    views: Sequence[str] | None = None,
    cache: Path | None = None,
    image_size: tuple[int, int] | None = None,
) -> DataSet:
    """Open a data set in the published layout; a ValueError says in a sentence what is wrong.

    `image_size` (width, height) is for landmarks in pixels. The arrays are kept in `cache`, which
    is a folder inside the data set unless that cannot be written to.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no data set at {root}: it must be a folder")
    lacking = misses(root)
    if lacking:
        raise ValueError(f"{root} is no data set in {PUBLISHED}: {lacking}")
    if image_size is not None and min(image_size) <= 0:
        raise ValueError(f"image_size must be width and height in pixels, not {image_size}")
    chosen = _chosen_views(root, views)
    simulated = (root / layout.MANIFEST).exists()
    split_file = split_file or layout.HELD_OUT
    if simulated and not (root / split_file).exists() and not list(root.glob(SPLIT_FILES)):
        raise ValueError(
            f"the split file {root / split_file} is missing: a simulation that was interrupted "
            "writes it when it is given the same command again"
        )
    splits = read_splits(root / split_file, _name_of, SPLIT_FILES)
    store = PianoKpmStore(
        root,
        chosen,
        ArrayCache(_cache_folder(root, cache)),
        image_size,
        simulated,
        read_released_cameras(root) if simulated else {},
    )
    store.check_files(splits)
    return DataSet(
        root=root,
        layout=SIMULATED if simulated else PUBLISHED,
        streams=Streams((*(_view(view) for view in chosen), KEYS)),
        muscles=MUSCLES,
        unit=UNIT,
        rate_hz=layout.SAMPLE_RATE_HZ,
        splits=splits,
        split_file=split_file,
        simulated=simulated,
        description=(describe_manifest(root) if simulated else "recorded, or without a manifest"),
        store=store,
        licence="Apache-2.0" if simulated else "",
    )


def _hand() -> Skeleton:
    return find_skeleton("mediapipe-hand")


def _view(name: str, camera: Camera | None = None) -> Landmarks:
    return Landmarks(name, _hand(), rate_hz=layout.FRAME_RATE_HZ, camera=camera)


def _views_there(root: Path) -> list[str]:
    """List the views in the folder, the published ones first."""
    prefix = layout.POSE_FOLDER.format(view="").rsplit("/", 1)[-1]
    pattern = layout.POSE_FOLDER.format(view="*")
    there = {path.name.removeprefix(prefix) for path in root.glob(pattern) if path.is_dir()}
    return [view for view in VIEWS if view in there] + sorted(there - set(VIEWS))


def _chosen_views(root: Path, wanted: Sequence[str] | None) -> tuple[str, ...]:
    there = _views_there(root)
    chosen = tuple(there if wanted is None else wanted)
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(f"views must be different names, not {', '.join(chosen) or 'none'}")
    for view in chosen:
        if view not in there:
            raise ValueError(
                f"{root} has no view {view!r} (no folder {layout.POSE_FOLDER.format(view=view)}); "
                f"its views are: {', '.join(sorted(there)) or 'none'}"
            )
    return chosen


def _name_of(entry: str) -> str:
    """Find a performance's name in a split file, which may have folders before it or an ending."""
    name = entry.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if name.lower().endswith(layout.SUFFIX):
        name = name[: -len(layout.SUFFIX)]
    layout.parse_name(name)
    return name


def _cache_folder(root: Path, chosen: Path | None) -> Path:
    if chosen is not None:
        return Path(chosen).expanduser()
    # Two data sets of the same name must not share a folder.
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return usable_folder(root / ".arrays", place)
