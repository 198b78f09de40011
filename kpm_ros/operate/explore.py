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

"""`kpm explore`: change muscles and see the movement; exchange them; find clips that are alike."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kpm_ros.operate import picture
from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.learn.explore.alike import Distances, Pair
    from kpm_ros.learn.explore.pose_models import PoseModel
    from kpm_ros.learn.pictures.clip import Clip
    from kpm_ros.learn.pictures.stick_figure import Movement
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.recording import Recording

NAME = "explore"
PURPOSE = "change or exchange muscles and see the movement; find clips that are alike"
EXAMPLES = """\
examples:
  kpm explore scale DIR --excerpt p1_curl_1:3-6 --muscles LBicep RBicep --times 3 \\
      --to-pose runs/to_pose --out more.png           the curl of stronger biceps
  kpm explore scale DIR --excerpt p1_squat_1:3-6 --muscles LQuad --times 0.1 \\
      --to-muscles runs/body --to-pose runs/to_pose --out less.mp4
                                                      estimated effort rather than measured one
  kpm explore transplant DIR --excerpt p1_squat_1:3-6 --from p1_kick_1:0-3 --muscles LQuad LHam \\
      --to-pose runs/to_pose --out kick_in_squat.mp4
  kpm explore alike DIR --out alike.png               look alike, and work other muscles
  kpm explore alike DIR --by muscles --pairs 3 --out muscles.mp4
                                                      the reverse
  kpm explore alike DIR --matrix likeness.png --out alike.png

`kpm explore WHAT --help` says more. A model that --to-pose names makes a pose of muscles.
"""
MOST_WINDOWS = 400
SHOWN = 5
AS_IT_IS = "as it is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask what is to be explored."""
    what = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    scale = _subparser(what, "scale", "make muscles work more or less, and see the movement")
    _add_edit(scale)
    scale.add_argument(
        "--times",
        type=float,
        required=True,
        metavar="F",
        help="what their effort is multiplied by, such as 3, or 0.1",
    )
    transplant = _subparser(what, "transplant", "let muscles do what they do in another clip")
    _add_edit(transplant)
    transplant.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="NAME[:START-END]",
        help="the clip whose muscles are taken, in the data set's unit; a shorter one is held",
    )
    alike = _subparser(what, "alike", "find clips that look alike and work other muscles")
    alike.add_argument(
        "--by",
        choices=("pose", "muscles"),
        default="pose",
        help="in what they are alike; in the other they differ (default: %(default)s)",
    )
    alike.add_argument(
        "--clip",
        default="",
        metavar="NAME:START-END",
        help="the partners of this window (default: of any)",
    )
    alike.add_argument(
        "--split",
        nargs="+",
        default=[],
        metavar="NAME",
        help="of these lists of the data set (default: all recordings)",
    )
    alike.add_argument(
        "--windows",
        type=int,
        default=MOST_WINDOWS,
        metavar="N",
        help="windows of 3 s that are compared, evenly drawn (default: %(default)s)",
    )
    alike.add_argument("--pairs", type=int, default=1, metavar="N", help="how many (default: 1)")
    alike.add_argument(
        "--matrix",
        type=Path,
        metavar="FILE",
        help="also draw how far exercises are apart in pose and in muscles (.png, .svg, .pdf)",
    )
    picture.add_output(alike, scale=False)


def _subparser(what: Any, name: str, purpose: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = what.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.", allow_abbrev=False
    )
    made.add_argument("data", type=Path, metavar="DIR", help="a data set's folder")
    return made


def _add_edit(parser: argparse.ArgumentParser) -> None:
    """Ask what both ways of changing effort need."""
    parser.add_argument(
        "--excerpt",
        default="",
        metavar="NAME[:START-END]",
        help="the clip that is changed (default: 6 s of the first recording)",
    )
    parser.add_argument(
        "--muscles", nargs="+", required=True, metavar="NAME", help="those that are changed"
    )
    parser.add_argument(
        "--to-pose", required=True, metavar="MODEL", help="makes the movement of the muscles"
    )
    parser.add_argument(
        "--to-muscles",
        metavar="MODEL",
        help="makes the effort of the movement (default: the measured effort is taken)",
    )
    picture.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explore, say what was found, and draw it."""
    out = picture.check_output(arguments)
    with picture.needed_libraries():
        if arguments.what == "alike":
            _alike(arguments, out)
        else:
            _edit(arguments, out)
    return 0


class _Part(NamedTuple):
    """A stretch of a recording, and the effort in it at the data set's rate."""

    recording: Recording
    effort: Any


def _edit(arguments: argparse.Namespace, out: Path) -> None:
    from kpm_ros.learn.explore import edits
    from kpm_ros.learn.explore.pose_models import PoseModel
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.scores.scored_models import find_scored_model

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
    from kpm_ros.learn.recordings.cutting import cut
    from kpm_ros.learn.recordings.on_grid import GridRecording
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.protocols import check_fit, estimate_continuous
    from kpm_ros.learn.scores.scored_models import find_scored_model

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
    from kpm_ros.learn.pictures.stick_figure import Movement

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
    from kpm_ros.learn.pictures.clip import RECORDED, SIMULATED, Clip, Scene, Track
    from kpm_ros.learn.pictures.effort_colours import effort_scale
    from kpm_ros.operate.picture_sources import efforts_of

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


def _alike(arguments: argparse.Namespace, out: Path) -> None:
    from kpm_ros.learn.explore.alike import Distances
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.scores.body_windows import evenly, windows_of
    from kpm_ros.operate.picture_sources import efforts_of

    for name in ("pairs", "windows"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name} must be 1 or more, not {getattr(arguments, name)}")
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
        person: np.max([effort.max(axis=0) for effort in efforts_of(dataset, person)], axis=0)
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
    from kpm_ros.learn.scores.body_windows import WINDOW_S, Window
    from kpm_ros.learn.scores.excerpt_plot import Excerpt

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
    from kpm_ros.core.text_tables import text_table

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
    from kpm_ros.learn.pictures.clip import RECORDED, SIMULATED, Clip, Scene, Track
    from kpm_ros.learn.pictures.effort_colours import effort_scale
    from kpm_ros.learn.pictures.stick_figure import Movement
    from kpm_ros.learn.scores.body_windows import WINDOW_S

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

    from kpm_ros.core.atomic_files import save_figure

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
