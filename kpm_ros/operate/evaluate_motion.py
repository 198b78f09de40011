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

"""`kpm evaluate --report motion`: movements made of music against those that were played."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.provenance import processor, versions
from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.learn.motion_training.clips import Clip
    from kpm_ros.learn.scores.motion_scoring import MotionReport

NAME = "motion"
PROTOCOLS = ("clips",)
DEFAULT_MAKERS = ("pianist",)
DEFAULT_STEPS, SEED = 50, 1
PACKAGES = ("kpm_ros", "numpy", "torch", "scikit-learn", "scipy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer what this report asks for."""
    group = parser.add_argument_group(
        "--report motion",
        "of a folder of movements with their notes (docs/motion.md). MODELS are pianist for ours, "
        "played for what was played itself, runs of `kpm train --model pianomotion-gesture`, or "
        "folders of movements",
    )
    group.add_argument(
        "--steps", type=int, metavar="N", help=f"of diffusion (default: {DEFAULT_STEPS})"
    )
    group.add_argument(
        "--encoding",
        metavar="RUN",
        help="also the distance in the features of `kpm train --model motion-encoding`",
    )
    group.add_argument(
        "--fingering",
        type=Path,
        nargs="+",
        default=None,
        metavar="DIR",
        help="also how often our pianist's fingers are those printed in folders of abcD files",
    )
    group.add_argument("--clips", type=int, metavar="N", help="so many, evenly (default: all)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse at once what this report does not have."""
    if len(arguments.data) > 1:
        raise UserError(f"--report motion is of one folder, not of {len(arguments.data)}")
    if len(arguments.split) > 1:
        raise UserError(f"--report motion is of one split, not of {len(arguments.split)}")
    for name in ("csv", "html", "figure"):
        if getattr(arguments, name):
            raise UserError(f"--{name} is of --report accuracy: --report motion does not have it")
    if arguments.clips is not None and arguments.clips < 1:
        raise UserError(f"--clips must be at least 1, not {arguments.clips}")


def refuse_without(arguments: argparse.Namespace) -> None:
    """Refuse this report's options where it is not asked for."""
    for name in ("steps", "encoding", "fingering", "clips"):
        if getattr(arguments, name) is not None:
            raise UserError(f"--{name} is of --report motion: give that, too")


def show_report(arguments: argparse.Namespace) -> None:
    """Score, print and write."""
    import json

    from kpm_ros.learn.scores import motion_report_text
    from kpm_ros.operate.evaluate_output import write

    report = evaluate(arguments)
    print(motion_report_text.as_text(report), end="")
    if arguments.json:
        write(arguments.json, json.dumps(report.to_plain(), indent=2) + "\n")
    if arguments.markdown:
        write(arguments.markdown, motion_report_text.as_markdown(report))


def evaluate(arguments: argparse.Namespace) -> MotionReport:
    """Have every clip made by everybody, and score."""
    from kpm_ros.learn.motion_training.clips import open_clips
    from kpm_ros.learn.scores.motion_makers import find_encoder, find_maker
    from kpm_ros.learn.scores.motion_scoring import MotionReport, MotionScoring
    from kpm_ros.operate.evaluate_output import progress

    folder = arguments.data[0].expanduser()
    split = arguments.split[0] if arguments.split else "test"
    opened = open_clips(folder, by_notes=True)
    clips = _chosen(opened.splits.get(split, ()), arguments.clips)
    if not clips:
        raise UserError(f"{folder} has no movements in {split}: train, valid or test are splits")
    steps = DEFAULT_STEPS if arguments.steps is None else arguments.steps
    sounds = partial(_sounds, folder, split)
    words = arguments.models or DEFAULT_MAKERS
    makers = {
        name: (about, make)
        for name, about, make in (find_maker(word, steps, SEED, sounds) for word in words)
    }
    if len(makers) < len(words):
        raise UserError("two models have one name: give one another, LABEL=MODEL")
    fingerings = _fingerings(arguments.fingering or ())
    encode = find_encoder(arguments.encoding) if arguments.encoding else None
    scoring = MotionScoring(clips, SEED, encode)
    with progress(len(makers) * len(clips)) as listener:
        scores = {name: scoring.score(name, make, listener) for name, (_, make) in makers.items()}
    return MotionReport(
        simulated=any(one.simulated for one in scoring.played),
        data=str(folder),
        split=split,
        clips=len(clips),
        minutes=sum(one.duration_s for one in scoring.played) / 60,
        fingerprint=opened.fingerprint,
        seed=SEED,
        makers=scores,
        fingerings=fingerings,
        about={name: about for name, (about, _) in makers.items()},
        cpu=processor(),
        versions=versions(PACKAGES),
        command=shlex.join(["kpm", *sys.argv[1:]]),
    )


def _fingerings(folders: Sequence[Path]) -> dict[str, float]:
    """Match rates of both hands of our pianist, on pages that its habits were not fitted to."""
    from kpm_ros.motion.habit_fitting import fitted
    from kpm_ros.motion.our_fingers import OurFingers
    from kpm_ros.motion.published_fingerings import read_fingerings
    from kpm_ros.motion.scores.fingering_match import match_fingerings
    from kpm_ros.simulate.hand import KinematicHand
    from kpm_ros.simulate.person import Person

    ours, rates = OurFingers(KinematicHand(Person())), {}
    for folder in folders:
        pages = [page for page in read_fingerings(folder.expanduser()) if not fitted(page)]
        for side, found in match_fingerings(pages, ours).items():
            rates[f"{folder.name}, {side}"] = found.usual.rate
    return rates


def _chosen(clips: tuple[Clip, ...], most: int | None) -> tuple[Clip, ...]:
    """Choose so many of them, evenly."""
    if most is None or most >= len(clips):
        return clips
    return tuple(clips[number * len(clips) // most] for number in range(most))


def _sounds(folder: Path, split: str) -> dict[str, Clip]:
    """Find the sound of each clip, by its name."""
    from kpm_ros.learn.motion_training.clips import open_clips

    return {clip.name: clip for clip in open_clips(folder, by_notes=False).splits[split]}
