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

"""What `kpm picture` draws: a data set's recording, or a bag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.core.streams import Streams
    from kpm_ros.learn.pictures.clip import Clip, Images, Track
    from kpm_ros.learn.pictures.stick_figure import Movement
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.recording import Recording

TRUTH = "truth"


@dataclass(frozen=True)
class Asked:
    """What the user chose of a picture, wherever it is of."""

    models: tuple[str, ...] = ()
    scale: str = "person"
    view: str = ""
    lit: str = ""
    video: Path | None = None
    video_offset_s: float = 0.0
    blur_faces: bool = False


def clip_of_recording(dataset: DataSet, excerpt: str, asked: Asked) -> Clip:
    """Make a clip of a data set's recording: what was measured, and what models make of it."""
    from kpm_ros.learn.pictures.clip import RECORDED, SIMULATED, Clip, Track
    from kpm_ros.learn.pictures.effort_colours import effort_scale
    from kpm_ros.learn.recordings.on_grid import GridRecording
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.protocols import check_fit, estimate_continuous
    from kpm_ros.learn.scores.scored_models import find_scored_model

    part = Excerpt.parse(excerpt or dataset.names[0])
    recording = dataset.recording(part.name)
    part = part.check(recording)
    truth = recording.truth
    tracks = {TRUTH: _track(truth.rate_hz, np.asarray(truth.values))}
    for word in asked.models:
        one = find_scored_model(word, dataset)
        if one.name in tracks:
            raise ValueError(f"two bodies would be called {one.name!r}: give LABEL=MODEL")
        check_fit(one.model.card, dataset, one.name)
        effort = estimate_continuous(one.model, GridRecording.of(recording, one.model.card))
        tracks[one.name] = Track(np.arange(len(effort)) / one.model.card.rate_hz, effort)
    return Clip(
        title=f"{part.name}: {recording.task}, {recording.person}",
        kind=SIMULATED if dataset.simulated else RECORDED,
        muscles=dataset.muscles,
        scale=effort_scale(
            asked.scale, dataset.muscles, efforts_of(dataset, recording.person), dataset.unit
        ),
        tracks=tracks,
        scenes=_scenes(_movement(recording, dataset.streams, asked), asked, tuple(tracks)),
        start_s=part.start_s,
        end_s=part.end_s,
    )


def _track(rate_hz: float, effort: Any) -> Track:
    from kpm_ros.learn.pictures.clip import Track

    return Track(np.arange(len(effort)) / rate_hz, effort)


def efforts_of(dataset: DataSet, person: str) -> list[Any]:
    """Give the true effort of all of a person's recordings."""
    recordings = (dataset.recording(name) for name in dataset.names)
    return [np.asarray(one.truth.values) for one in recordings if one.person == person]


@dataclass(frozen=True)
class Seen:
    """A body's points, and the same as fractions of the picture where those are known."""

    movement: Movement
    fractions: Movement | None = None


def _movement(recording: Recording, streams: Streams, asked: Asked) -> Seen | None:
    """Take the view that was asked for, else the first one, and its points in the picture."""
    from kpm_ros.learn.pictures.stick_figure import Movement

    views = streams.landmarks
    if asked.view and asked.view not in streams.views:
        raise UserError(
            f"there is no view {asked.view!r}: there are {', '.join(streams.views) or 'none'}"
        )
    shown = [one for one in views if one.name == asked.view] if asked.view else list(views)
    begin_s = recording.truth.start_s
    for view in shown:
        series = recording.series_of(view.name)
        if series is None:
            continue
        flat = next((one for one in views if one.coordinates == "image"), None)
        own = recording.series_of(flat.name) if flat else None
        fractions = Movement.fractions_of(own, begin_s) if own else None
        return Seen(Movement.of(series, begin_s), fractions)
    return None


def _scenes(seen: Seen | None, asked: Asked, labels: tuple[str, ...]) -> tuple[Any, ...]:
    """Lay out a stick figure, or the video with the points over it, or both side by side."""
    from kpm_ros.learn.pictures.video_images import VideoImages

    images = VideoImages(asked.video, asked.video_offset_s) if asked.video else None
    return scenes_of(seen, images, asked, labels)


def scenes_of(
    seen: Seen | None, images: Images | None, asked: Asked, labels: tuple[str, ...]
) -> tuple[Any, ...]:
    """Make what is to be seen beside the bodies."""
    from kpm_ros.learn.pictures.clip import Scene
    from kpm_ros.learn.pictures.video_images import face_hidden

    lit = asked.lit or labels[0]
    if lit not in labels:
        raise UserError(f"--lit is {lit!r}, but must be one of: {', '.join(labels)}")
    if asked.blur_faces and images is None:
        raise UserError("--blur-faces is of a video, and there is none: give --video FILE")
    scenes = []
    if images is not None:
        first = images(-np.inf if asked.video is None else asked.video_offset_s)
        if first is None:
            raise UserError("the video holds no picture that can be shown")
        over = seen.fractions if seen else None
        height, width = first.shape[:2]
        over = over.scaled((width, height)) if over else None
        if asked.blur_faces and over is None:
            raise UserError(
                "--blur-faces needs points of the head as fractions of the picture, and what was "
                "recorded has none: where the face is cannot be known"
            )
        images = face_hidden(images, over) if asked.blur_faces else images
        scenes.append(Scene("video", over, images, lit if over else ""))
        if over is not None:
            return tuple(scenes)
    if seen is not None:
        scenes.append(Scene(f"movement, {lit}", seen.movement, lit=lit))
    return tuple(scenes)


def clip_of_bag(path: Path, namespace: str, excerpt: str, asked: Asked) -> Clip:
    """Make a clip of a bag: the effort in it, that of models replayed, points and pictures."""
    from kpm_ros.learn.pictures.clip import RECORDED, SIMULATED, Clip, Track
    from kpm_ros.learn.pictures.effort_colours import effort_scale
    from kpm_ros.operate.picture_bag import BagPictures
    from kpm_ros.replay import recorded_with

    with BagPictures(path, namespace, asked.view) as bag:
        efforts = bag.efforts(asked.models)
        if not efforts:
            raise UserError(
                f"the bag {path} holds no effort: name a model that is to make some of it, with "
                "--models"
            )
        begin_ns = min(int(one.stamps_ns[0]) for one in efforts.values())
        length_s = max(int(one.stamps_ns[-1]) - begin_ns for one in efforts.values()) / 1e9
        start_s, end_s = _span(excerpt, length_s, path)
        seen, images = bag.seen(begin_ns, start_s, end_s)
        tracks = {
            name: Track((one.stamps_ns - begin_ns) / 1e9, one.effort)
            for name, one in efforts.items()
        }
        kind = SIMULATED if recorded_with.simulated(bag.facts) else RECORDED
        if bag.trained_on_simulated:
            kind += ", by a model of SIMULATED people"
        return Clip(
            title=path.name,
            kind=kind,
            muscles=bag.muscles,
            scale=effort_scale(
                asked.scale, bag.muscles, [one.effort for one in efforts.values()], bag.unit
            ),
            tracks=tracks,
            scenes=scenes_of(seen, images, asked, tuple(tracks)),
            start_s=start_s,
            end_s=end_s,
        )


def _span(excerpt: str, length_s: float, path: Path) -> tuple[float, float]:
    from kpm_ros.learn.scores.excerpt_plot import LENGTH_S, Excerpt

    if not excerpt:
        return 0.0, min(LENGTH_S, length_s)
    part = Excerpt.parse(excerpt if ":" in excerpt else f"{path.name}:{excerpt}")
    if part.start_s >= length_s:
        raise UserError(f"{path} is {length_s:.1f} s long: nothing can be shown from there on")
    return part.start_s, min(part.end_s, length_s)


def labels_of(words: Sequence[str]) -> dict[str, str]:
    """Read LABEL=MODEL; without a label a model is called what it is called."""
    found: dict[str, str] = {}
    for word in words:
        label, equals, source = word.partition("=")
        name, model = (label, source) if equals else (Path(word).stem, word)
        if name in found:
            raise UserError(f"two models would be called {name!r}: give LABEL=MODEL")
        found[name] = model
    return found
