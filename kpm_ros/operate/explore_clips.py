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

"""What `kpm explore` makes of a data set: changed effort with its movement, and clips alike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.explore import edits
from kpm_ros.learn.explore.alike import Distances, Pair
from kpm_ros.learn.explore.pose_models import PoseModel
from kpm_ros.learn.pictures.clip import RECORDED, SIMULATED, Clip, Scene, Track
from kpm_ros.learn.pictures.effort_colours import effort_scale
from kpm_ros.learn.pictures.stick_figure import Movement
from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.learn.scores.body_windows import WINDOW_S, Window, evenly, windows_of
from kpm_ros.learn.scores.excerpt_plot import Excerpt
from kpm_ros.learn.scores.protocols import check_fit, estimate_continuous
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.operate import picture
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.picture_sources import efforts_of

SHOWN = 5
"""Points of which it is said how far they move."""
MOST_COMPARED = 5000
"""Windows: each is compared with each, which takes memory by their square."""
AS_IT_IS = "as it is"


class _Part(NamedTuple):
    """A stretch of a recording, and the effort in it at the data set's rate."""

    recording: Recording
    effort: Any


def draw_edit(arguments: argparse.Namespace, out: Path) -> None:
    """Change a clip's effort, say what moves with it, and draw both."""
    dataset = open_dataset(arguments.data.expanduser())
    edits.places_of(arguments.muscles, dataset.muscles)
    to_pose = find_scored_model(arguments.to_pose, dataset)
    pose = PoseModel.of(to_pose.name, to_pose.model, dataset)
    part = _part(dataset, arguments.excerpt or dataset.names[0], arguments.to_muscles)
    named = " ".join(arguments.muscles)
    if arguments.what == "scale":
        changed = edits.scaled(part.effort, dataset.muscles, arguments.muscles, arguments.times)
        label = f"{named} x {arguments.times:g}"
    else:
        other = _part(dataset, arguments.source, arguments.to_muscles)
        changed = edits.transplanted(part.effort, other.effort, dataset.muscles, arguments.muscles)
        label = f"{named} of {other.recording.name}"
    before = pose.movement(part.recording, part.effort)
    after = pose.movement(part.recording, changed)
    print(f"{part.recording.name}: {label}; mean change of each point over the clip:")
    for name, distance in edits.moved(before, after)[:SHOWN]:
        print(f"  {name:20s} {_distance(distance, pose)}")
    shown = _recorded(part.recording, pose)
    if shown is not None:
        print(f"  without a change, {pose.name} is {_off(before, shown, pose)} from what was seen")
    picture.draw(
        _edited_clip(dataset, part, label, changed, (shown, before, after), arguments.scale),
        out,
        arguments,
    )


def _part(dataset: DataSet, words: str, to_muscles: str | None) -> _Part:
    """Cut a clip, with its measured effort or with what a model makes of it."""
    excerpt = Excerpt.parse(words)
    recording = dataset.recording(excerpt.name)
    excerpt = excerpt.check(recording)
    part = cut(recording, excerpt.start_s, excerpt.end_s)
    if not to_muscles:
        return _Part(part, np.asarray(part.truth.values))
    one = find_scored_model(to_muscles, dataset)
    check_fit(one.model.card, dataset, one.name)
    effort = estimate_continuous(one.model, GridRecording.of(recording, one.model.card))
    # At the rate of the truth, so that both can be edited alike.
    at_s = excerpt.start_s + np.arange(len(part.truth.values)) / part.truth.rate_hz
    own_s = np.arange(len(effort)) / one.model.card.rate_hz
    columns = [np.interp(at_s, own_s, column) for column in effort.T]
    return _Part(part, np.stack(columns, axis=1).astype(np.float32))


def _recorded(part: Recording, pose: PoseModel) -> Movement | None:
    series = part.series_of(pose.view.name)
    return None if series is None else Movement.fractions_of(series, part.truth.start_s)


def _distance(distance: float, pose: PoseModel) -> str:
    return f"{distance:.3f} {'m' if pose.view.coordinates == 'metric' else 'of the picture'}"


def _off(made: Movement, seen: Movement, pose: PoseModel) -> str:
    """Say how far a made movement is from the recorded one."""
    pairs = [
        (made.points[row], there)
        for row, time_s in enumerate(made.times_s)
        if (there := seen.at(float(time_s))) is not None
    ]
    if not pairs:
        return "nowhere near, as nobody was seen,"
    apart = [np.linalg.norm(a - b, axis=1).mean() for a, b in pairs]
    return _distance(float(np.mean(apart)), pose)


def _edited_clip(
    dataset: DataSet,
    part: _Part,
    label: str,
    changed: Any,
    movements: tuple[Movement | None, Movement, Movement],
    rule: str,
) -> Clip:
    recording = part.recording
    times = np.arange(len(part.effort)) / recording.truth.rate_hz
    seen, before, after = movements
    scenes = [Scene("what was seen", seen, lit=AS_IT_IS)] if seen is not None else []
    scenes += [
        Scene("made of the muscles as they are", before, lit=AS_IT_IS),
        Scene("made of the changed muscles", after, lit=label),
    ]
    efforts = efforts_of(dataset, recording.person)
    return Clip(
        title=f"{recording.name}: {label}",
        kind=SIMULATED if dataset.simulated else RECORDED,
        muscles=dataset.muscles,
        scale=effort_scale(rule, dataset.muscles, efforts, dataset.unit),
        tracks={AS_IT_IS: Track(times, part.effort), label: Track(times, changed)},
        scenes=tuple(scenes),
        end_s=float(times[-1]),
    )


def draw_alike(arguments: argparse.Namespace, out: Path) -> None:
    """Find clips that are alike in one way only, say which, and draw them."""
    for name in ("pairs", "windows"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name} must be 1 or more, not {getattr(arguments, name)}")
    if arguments.windows > MOST_COMPARED:
        raise UserError(f"--windows must be {MOST_COMPARED} or less, not {arguments.windows}")
    dataset = open_dataset(arguments.data.expanduser())
    for split in arguments.split:
        if not dataset.splits.get(split):
            raise UserError(f"the data set has no recordings in {split!r}")
    names = [name for split in arguments.split for name in dataset.splits[split]] or dataset.names
    windows = [window for name in names for window in windows_of(dataset.recording(name))]
    windows = evenly(windows, arguments.windows)
    clip = _clip_window(dataset, arguments.clip)
    if clip is not None:
        windows = [clip, *(one for one in windows if one.recording.name != clip.recording.name)]
    people = {one.recording.person for one in windows}
    most = {
        person: np.fmax.reduce([np.fmax.reduce(effort) for effort in efforts_of(dataset, person)])
        for person in people
    }
    views = sorted(dataset.streams.landmarks, key=lambda view: view.coordinates != "metric")
    if not views:
        raise UserError("the data set has no view of a body: poses cannot be compared")
    distances = Distances.of(windows, views[0], most)
    if clip is not None and distances.windows[0] is not clip:
        raise UserError(f"--clip {arguments.clip}: nobody was seen throughout")
    pairs = distances.pairs(arguments.by, arguments.pairs, None if clip is None else 0)
    _say(distances, pairs, arguments.by)
    for number, pair in enumerate(pairs):
        own = out if not number else out.with_stem(f"{out.stem}-{number + 1}")
        picture.draw(_pair_clip(dataset, distances, pair, most), own, arguments)
    if arguments.matrix:
        _draw_matrix(arguments.matrix.expanduser(), distances, dataset.simulated)


def _clip_window(dataset: DataSet, words: str) -> Any:
    if not words:
        return None
    excerpt = Excerpt.parse(words)
    recording = dataset.recording(excerpt.name)
    if excerpt.start_s + WINDOW_S > recording.duration_s + 1e-6:
        raise UserError(
            f"--clip {words} begins less than {WINDOW_S:g} s before the end of {recording.name}"
        )
    return Window(recording, excerpt.start_s)


def _say(distances: Distances, pairs: Sequence[Pair], by: str) -> None:
    words = "look alike and work other muscles" if by == "pose" else "work alike and look different"
    print(f"of {len(distances.windows)} windows of 3 s, those that {words}:")
    rows = []
    for pair in pairs:
        clips = (distances.windows[place] for place in (pair.first, pair.second))
        names = (f"{one.recording.name}:{one.start_s:g}" for one in clips)
        rows.append((*names, f"{pair.pose:.3f}", f"{pair.muscles:.3f}"))
    head = ("clip", "clip", "pose, in trunks", "effort, of each person's most")
    print(text_table(rows, head, figures=(2, 3), indent="  "))


def _pair_clip(dataset: DataSet, distances: Distances, pair: Pair, most: Any) -> Clip:
    views = sorted(dataset.streams.landmarks, key=lambda view: view.coordinates != "metric")
    tracks, scenes, efforts = {}, [], []
    for place in (pair.first, pair.second):
        window = distances.windows[place]
        part = window.alone
        label = f"{window.recording.name}:{window.start_s:g}"
        effort = np.asarray(part.truth.values) / np.maximum(most[window.recording.person], 1e-9)
        efforts.append(effort)
        tracks[label] = Track(np.arange(len(effort)) / part.truth.rate_hz, effort)
        series = part.series_of(views[0].name)
        movement = Movement.of(series, part.truth.start_s) if series else None
        scenes.append(Scene(label, movement, lit=label))
    return Clip(
        title=f"poses {pair.pose:.2f} trunks apart, effort {pair.muscles:.2f}",
        kind=SIMULATED if dataset.simulated else RECORDED,
        muscles=dataset.muscles,
        scale=effort_scale("1", dataset.muscles, efforts, "of each person's own most"),
        tracks=tracks,
        scenes=tuple(scenes),
        end_s=WINDOW_S,
    )


def _draw_matrix(path: Path, distances: Distances, simulated: bool) -> None:
    """Draw how far exercises are apart, in pose and in effort."""
    from matplotlib.figure import Figure

    names, *tables = distances.by_exercise()
    size = 2.5 + 0.28 * len(names)
    figure = Figure(figsize=(2 * size, size), layout="constrained")
    titles = ("pose, in lengths of the trunk", "effort, of each person's most")
    for ax, table, title in zip(figure.subplots(1, 2), tables, titles, strict=True):
        shown = ax.imshow(table, cmap="inferno_r")
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize="x-small")
        ax.set_yticks(range(len(names)), names, fontsize="x-small")
        ax.set_title(title, fontsize="small")
        figure.colorbar(shown, ax=ax, shrink=0.8)
    figure.suptitle(f"mean distance of clips, {'SIMULATED' if simulated else 'recorded'}")
    save_figure(figure, path)
    print(f"matrices in {path}")
