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

"""The same effort in any room? Errors of models where cameras stand as trained, and elsewhere.

SIMULATED pianists and rooms that no model has met play and are estimated as live. Rooms are drawn
from the stated range (`kpm_ros.simulate.rooms`): "other rooms" have two or three cameras, "one
camera" is what it says. Errors are means over performances; ratios are of such means.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
from _points import points_error_mm
from _report import ROOT, bench_options, machine, print_table, write_report
from pipeline import MODELS

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.streams import IMAGE, Landmarks, Streams
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.learn.recordings.simulated_identity import Manifest, drawn_from, known_person
from kpm_ros.learn.scores.either_hand import Played, errors_of_hands
from kpm_ros.learn.scores.metrics import rmse
from kpm_ros.models.missing_senses import blank, blind
from kpm_ros.models.seen import Seen, digest
from kpm_ros.models.trained import Trained, load
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release.performance import score_of
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.release.request import Performance, Request, room_seed
from kpm_ros.simulate.rooms import BOTH_PARTS, ROOMS, Room, draw_room, published_room
from kpm_ros.simulate.tracked_view import TrackerErrors

SEED = 6007
"""Of pianists whom no shipped model was trained on; those that were are refused."""
MOVED_M = (0.01, 0.10, 0.20)
"""Standard deviation of how far cameras stand from where training had them."""
ELSEWHERE = replace(ROOMS, cameras=(0.0, 0.7, 0.3))
"""Other rooms: two cameras or three."""
OTHER_ROOMS = 2
"""In how many of them each performance is seen."""
PACKAGES = ("kpm_ros", "numpy", "numba", "mujoco", "myo-sim")
TAKEN_ELSEWHERE = {
    "waiting": {"rmse_at_50_ms_ratio": "rmse_at_50_ms_ratio"},
    "keyboard": {"keyboard_error_mm_p95_real": "keyboard_error_mm_p95_real"},
    "unfamiliar": {
        "unfamiliar_detected": "unfamiliar_detected",
        "familiar_flagged": "familiar_flagged",
    },
    "pipeline": {"exposure_to_effort_p50_ms": "exposure_to_effort_p50_ms"},
}
"""Figures of other benchmarks that belong to rooms, too, and what they are called here."""

Errors = dict[str, list[float]]


def main() -> None:
    """Measure and report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--model", default="touchnet-sim-rooms", help="of the keyboard's frame")
    parser.add_argument("--before", default="touchnet-sim", help="one of pictures; '' for none")
    parser.add_argument("--published", default="pianokpm-sim", help="PianoKPM Net")
    parser.add_argument("--pianists", type=int, default=6)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=12, help="of each task")
    parser.add_argument("--body", choices=("anatomical", "plain"), default="anatomical")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--gather", action="store_true", help="only add what others have measured to the report"
    )
    options = parser.parse_args()
    if options.gather:
        report = json.loads(options.out.read_text())
        report["figures"] |= elsewhere(options.model)
        options.out.write_text(json.dumps(report, indent=2) + "\n")
        return
    here = machine()
    request = Request(options.pianists, options.tasks, 1, options.seconds, SEED, options.body)
    names = {"ours": options.model, "before": options.before, "pianokpm": options.published}
    models = {kind: load(name) for kind, name in names.items() if name}
    for model in models.values():
        refuse_met(model, request)
    found: Errors = defaultdict(list)
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [(request, part, names) for part in request.performances()]
        for done, errors in enumerate(pool.map(measure_one, jobs), 1):
            print(f"{done} of {len(jobs)} performances", flush=True)
            for name, values in errors.items():
                found[name] += values
    figures = figures_of(found) | elsewhere(options.model)
    show(figures)
    write_report(options.out, figures, here, PACKAGES)


def measure_one(job: tuple[Request, Performance, Mapping[str, str]]) -> Errors:
    """Let one pianist play once, and estimate that in all rooms by all models."""
    request, part, names = job
    person = Person.from_seed(request.person_seed(part.name.pianist))
    pianist = make_pianist(score_of(request, part), part.seed, person, request.body)
    truth = effort_samples(pianist, part.seed, part.seconds)
    found: Errors = defaultdict(list)
    found["rmse_own_mean"].append(rmse(truth, np.broadcast_to(truth.mean(axis=0), truth.shape)))
    models = {kind: load(name) for kind, name in names.items() if name}
    for kind, room_name, model, room in seen_by(models, part):
        rows = align_performance(
            pianist, room, model.card.streams, part.seconds, seed=part.seed, rate_hz=SAMPLE_RATE_HZ
        )
        effort = model.estimate(blank(rows.values, rows.missing, model.card))
        valid = ~blind(rows.missing, model.card)
        if valid.any():
            found[f"rmse_{kind}_{room_name}"].append(rmse(truth[valid], effort[valid]))
        if kind == "ours" and room_name != "usual_trackers":
            (hand,) = model.card.streams.landmarks
            some = np.flatnonzero(valid)[::16]
            told = rows.values[some, model.card.streams.columns[hand.name]]
            off = points_error_mm(pianist, hand, told, some / SAMPLE_RATE_HZ)
            found[f"points_{len(room.cameras)}"] += off.ravel().tolist()
    both = draw_room(room_seed(part.seed, 9), replace(ELSEWHERE, part=BOTH_PARTS))
    played = Played(pianist, both, part.seed, part.seconds)
    for hand, error in errors_of_hands(models["ours"], played).items():
        found[f"rmse_ours_{hand}_hand"].append(error)
    return dict(found)


def seen_by(
    models: Mapping[str, Trained], part: Performance
) -> Iterator[tuple[str, str, Trained, Room]]:
    """List what is estimated: by which kind of model, where, and how it is told."""
    published = published_room(part.seed)
    others = [draw_room(room_seed(part.seed, k), ELSEWHERE) for k in range(OTHER_ROOMS)]
    ours = models["ours"]
    yield "ours", "published_room", ours, published
    for room in others:
        yield "ours", "other_rooms", ours, room
        yield "ours", "usual_trackers", ours, with_trackers(room)
    yield "ours", "one_camera", ours, draw_room(room_seed(part.seed, 8), cameras=1)
    for kind in ("before", "pianokpm"):
        if kind not in models:
            continue
        model = seen_by_cameras(models[kind], {})
        for metres in MOVED_M:
            yield kind, f"moved_{metres * 100:.0f}_cm", model, moved(part.seed, metres)
        two = draw_room(room_seed(part.seed, 7), cameras=2)
        yield kind, "other_rooms", model, with_views(two, model.card.streams.views)
    if "pianokpm" in models:
        usual = {camera.name: camera.camera for camera in published_room().cameras}
        virtual = seen_by_cameras(models["pianokpm"], usual)
        yield "pianokpm_virtual", "published_room", virtual, published
        for room in others:
            yield "pianokpm_virtual", "other_rooms", virtual, room


def moved(seed: int, metres: float) -> Room:
    """Set the usual cameras up so far from their places."""
    room = published_room()
    cameras = [camera.nudged(seed + k, metres) for k, camera in enumerate(room.cameras)]
    return replace(room, cameras=tuple(cameras), seed=seed)


def with_trackers(room: Room) -> Room:
    """Let a room's trackers be off as the usual room's: what is left is where cameras stand."""
    return replace(room, errors=(TrackerErrors(),) * len(room.cameras))


def with_views(room: Room, views: Sequence[str]) -> Room:
    """Call a room's cameras as a model of pictures does."""
    named = zip(room.cameras, views, strict=True)
    return replace(room, cameras=tuple(replace(camera, name=view) for camera, view in named))


def seen_by_cameras(model: Trained, cameras: Mapping[str, Camera]) -> Trained:
    """Feed a model of pictures with what given cameras would see of the hand in space.

    A view of which no camera is given shows what the room's own camera sees.
    """
    streams = tuple(
        replace(stream, camera=cameras.get(stream.name))
        if isinstance(stream, Landmarks) and stream.coordinates == IMAGE
        else stream
        for stream in model.card.streams
    )
    return Trained(replace(model.card, streams=Streams(streams)), model.tensors)


def refuse_met(model: Trained, request: Request) -> None:
    """Refuse a model that was trained on one of the pianists."""
    seen = Seen.from_card(model.card.seen) or Seen()
    manifest = Manifest(request.seed, [])
    for part in request.performances():
        met = set(drawn_from(manifest, part.name).person)
        met |= {digest("known person", known_person(request.person_seed(part.name.pianist)))}
        if met & seen.people:
            raise SystemExit(f"{model.card.name} was trained on pianist {part.name.pianist}")


def figures_of(found: Errors) -> dict[str, float]:
    """Mean errors, and the ratios that are asked for."""
    points = {name: found.pop(name) for name in list(found) if name.startswith("points_")}
    mean = {name: float(np.mean(values)) for name, values in found.items()}
    every = np.concatenate([np.array(values) for name, values in points.items() if name[-1] != "1"])
    figures = {
        "rmse_published_room": mean["rmse_ours_published_room"],
        "rmse_other_rooms": mean["rmse_ours_other_rooms"],
        "rmse_one_camera": mean["rmse_ours_one_camera"],
        "ratio_other_rooms": mean["rmse_ours_other_rooms"] / mean["rmse_ours_published_room"],
        "ratio_other_rooms_usual_trackers": mean["rmse_ours_usual_trackers"]
        / mean["rmse_ours_published_room"],
        "ratio_one_camera": mean["rmse_ours_one_camera"] / mean["rmse_ours_published_room"],
        "ratio_left_hand": mean["rmse_ours_left_hand"] / mean["rmse_ours_right_hand"],
        "points_error_mm_p50": float(np.percentile(every, 50)),
        "points_error_mm_p95": float(np.percentile(every, 95)),
    }
    for name, values in sorted(points.items()):
        for part in (50, 95):
            cameras = name.removeprefix("points_")
            figures[f"points_error_mm_p{part}_{cameras}_cameras"] = float(
                np.percentile(values, part)
            )
    if "rmse_pianokpm_virtual_other_rooms" in mean:
        own = mean[f"rmse_pianokpm_moved_{MOVED_M[0] * 100:.0f}_cm"]
        figures["ratio_pianokpm_virtual"] = mean["rmse_pianokpm_virtual_other_rooms"] / own
    if "rmse_before_moved_1_cm" in mean:
        figures["ratio_to_before_published_room"] = (
            mean["rmse_ours_published_room"] / mean["rmse_before_moved_1_cm"]
        )
    return figures | {name: value for name, value in mean.items() if "rmse_ours" not in name}


def elsewhere(model: str) -> dict[str, float]:
    """Figures that other benchmarks have measured, here or for the pages.

    The live delay is that of the usual model, and of no other.
    """
    figures: dict[str, float] = {}
    for name, wanted in TAKEN_ELSEWHERE.items():
        paths = [ROOT / folder / "bench" / f"{name}.json" for folder in ("out", "docs")]
        path = next((path for path in paths if path.is_file()), None)
        report = json.loads(path.read_text()) if path else {"figures": {}}
        of_model = name != "pipeline" or model == MODELS[""]
        has = report["figures"] if of_model else {}
        figures |= {here: has[there] for there, here in wanted.items() if there in has}
        if not wanted.keys() & has.keys():
            print(f"no {', '.join(wanted.values())}: make bench BENCH={name} measures that")
    return figures


def show(figures: Mapping[str, float]) -> None:
    """Print everything."""
    rows = [(name, float(value)) for name, value in figures.items()]
    print_table("unseen SIMULATED pianists and rooms", ("", "value"), rows)


if __name__ == "__main__":
    main()
