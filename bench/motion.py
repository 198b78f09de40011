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

"""Hands made of music: ours beside the published diffusion model, on pieces and people unseen.

    tools/env run python bench/motion.py --shared ../shared    # a quarter of an hour on one core
    tools/env run python bench/motion.py --minutes 600 --size base    # the published size

Both learn from the same SIMULATED performances (Chopin's pieces, six people) and play others (the
first seconds of Mozart's and Schubert's, six other people). Their truth was simulated, too, by the
same rules of fingers and keys that our generator goes by; what it does not know of is the people.
The diffusion model is given more time on the processor to learn in than ours takes, and both are
told. Its size is one that comes far within minutes on a CPU, its stages and loss are the published
ones. Without the recordings, studies are made up.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from _report import ROOT, bench_options, machine, print_table, write_report
from threadpoolctl import threadpool_limits

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.learn.motion_training.clips import Clip, open_clips
from kpm_ros.learn.motion_training.motion_training import MotionOptions, MotionTraining
from kpm_ros.learn.scores.motion_makers import find_maker
from kpm_ros.learn.scores.motion_scoring import MakerScores, MotionScoring
from kpm_ros.learn.training.run_folder import RunFolder, read_metrics
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.pianomotion.motion_card import SIZES
from kpm_ros.models.pianomotion.recipes import MODELS
from kpm_ros.motion.generation import generate, perform
from kpm_ros.motion.habit_fitting import KINDS, fitted
from kpm_ros.motion.our_fingers import OurFingers
from kpm_ros.motion.playing_style import Example, playing_style
from kpm_ros.motion.published_fingerings import read_fingerings
from kpm_ros.motion.published_layout import RATE_HZ
from kpm_ros.motion.scores.fingering_match import match_fingerings
from kpm_ros.motion.two_hand_release import two_hand_study
from kpm_ros.operate.annotate import figures_of
from kpm_ros.sense.midi.score import Score, read_voices
from kpm_ros.sense.midi.score_writer import midi_of
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.person import Person

LEARNT, PLAYED = ("Chopin",), ("Mozart", "Schubert")
SEED = 7
STAGES = (("pianomotion-position", "diffusion_places"), ("pianomotion-gesture", "diffusion"))
SHARES = (0.2, 0.8)
"""Of the time, for each stage."""
SCORES = ("fgd_as_coded", "wgd_as_coded", "pd_as_coded")
PACKAGES = ("kpm_ros", "mujoco", "myo-sim", "numpy", "torch", "scikit-learn")


def main() -> None:
    """Make the data, train, let both play, and compare."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--learn-s", type=float, default=120.0, help="of each piece learnt from")
    parser.add_argument("--play-s", type=float, default=40.0, help="of each piece played")
    parser.add_argument(
        "--minutes",
        type=float,
        default=12.0,
        help="of processor time in which the diffusion model learns, both stages together",
    )
    parser.add_argument(
        "--size", choices=sorted(SIZES), default="small", help="of the diffusion model"
    )
    parser.add_argument("--sampling", type=int, default=50, help="steps of diffusion")
    arguments = parser.parse_args()
    described = machine()
    # Both have one core, whatever the machine has.
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1):
        figures = compared(Path(scratch), arguments)
    figures |= fingering(arguments.shared / "data/fingering")
    figures |= tracking(arguments.shared / "data/video/overhead_piano.mp4")
    write_report(arguments.out, figures, described, PACKAGES)


def compared(root: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Figures of ours and of diffusion on the same clips."""
    pieces = sorted((arguments.shared / "data/midi").glob("*.mid"))
    data = write_data(root / "data", pieces, arguments.learn_s, arguments.play_s)
    clips = open_clips(data, by_notes=True)
    begun = time.process_time()
    style = playing_style(
        [Example(clip.read(), read_voices(clip.music)) for clip in clips.splits["train"]]
    )
    learning_s = {"ours": time.process_time() - begun}
    begun = time.process_time()
    model, learnt = train(data, root, arguments.minutes, arguments.size)
    learning_s["diffusion"] = time.process_time() - begun
    scoring = MotionScoring(clips.splits["test"], SEED, None)
    _, _, diffusion = find_maker(str(model), arguments.sampling, SEED, dict)

    def ours(clip: Clip, score: Score, played: HandMotion) -> HandMotion:
        return generate(read_voices(clip.music), style, SEED, RATE_HZ)

    def average(clip: Clip, score: Score, played: HandMotion) -> HandMotion:
        return generate(read_voices(clip.music), None, SEED, RATE_HZ)

    makers = {"ours": ours, "ours, an average person": average, "diffusion": diffusion}
    found = {name: scoring.score(name, make, print) for name, make in makers.items()}
    rows = [
        (name, one.onsets.f1, one.frames.f1, *(both(one, score) for score in SCORES))
        for name, one in found.items()
    ]
    print_table("SIMULATED performances", ("", "onset F1", "frame F1", "FGD", "WGD", "PD"), rows)
    mine, theirs = found["ours"], found["diffusion"]
    figures = {f"learning_cpu_s_{name}": spent_s for name, spent_s in learning_s.items()} | learnt
    for name, one in (("ours", mine), ("diffusion", theirs)):
        figures[f"onset_f1_{name}"] = one.onsets.f1
        figures[f"frame_f1_{name}"] = one.frames.f1
        figures[f"hands_in_each_other_{name}"] = one.soundness.hands_in_each_other
        figures[f"frame_f1_zero_division_one_{name}"] = one.frame_f1_zero_division_one
        for score in SCORES:
            figures[f"{score.partition('_')[0]}_{name}"] = both(one, score)
    figures["within_joint_limits_ours"] = mine.soundness.within_joint_limits
    figures["realtime_factor"] = mine.times_real_time
    figures["realtime_factor_diffusion"] = theirs.times_real_time
    return {name: round(float(value), 4) for name, value in figures.items() if math.isfinite(value)}


def both(scores: MakerScores, name: str) -> float:
    """Mean of both hands."""
    return sum(getattr(scores.hands[side], name) for side in (LEFT, RIGHT)) / 2


def write_data(root: Path, pieces: list[Path], learn_s: float, play_s: float) -> Path:
    """Let people play what is learnt from, and other people what is played."""
    lines: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for number, (name, voices, is_learnt) in enumerate(music(pieces)):
        split = "train" if is_learnt else "test"
        voices = [beginning(voice, learn_s if is_learnt else play_s) for voice in voices]
        motion = perform(voices, Person.from_seed(SEED * 100 + number), number).motion(RATE_HZ)
        replace(motion, title=name).save(root / f"{name}.npz")
        write_atomically(root / f"{name}.mid", midi_of(voices))
        lines[split].append(name)
    # What training stops by is not what is judged by.
    lines["valid"].append(lines["train"].pop())
    for split, names in lines.items():
        write_atomically(root / f"{split}.txt", "".join(f"{each}\n" for each in names).encode())
    return root


def music(pieces: list[Path]) -> list[tuple[str, list[Score], bool]]:
    """Recorded performances, or made-up studies: name, voices, whether it is learnt from."""
    if not pieces:
        print("no recorded performances: studies are made up")
        return [(f"study_{k}", two_hand_study(k), k % 2 == 0) for k in range(12)]
    return [
        (path.stem, read_voices(path), path.name.startswith(LEARNT))
        for path in pieces
        if path.name.startswith(LEARNT + PLAYED)
    ]


def beginning(voice: Score, seconds: float) -> Score:
    """The notes that are over by then, and the pedals."""
    notes = [note for note in voice.notes if note.end_s < seconds]
    return Score.of(notes, [p for p in voice.pedals if p.time_s < seconds], voice.name)


def train(data: Path, root: Path, minutes: float, size: str) -> tuple[Path, dict[str, float]]:
    """Train the published model's two stages for so long; how it went is told in figures."""
    base, figures = "", {}
    for (name, stage), share in zip(STAGES, SHARES, strict=True):
        recipe: dict[str, Any] = {
            **MODELS[name].recipes["quick"],
            # Of batches of 4 and 8 and rates of 1e-3 and 3e-3, the small and the high led
            # furthest on held-out clips in 45 s. Steps are as many as time allows.
            "batch": 4,
            "learning_rate": 2e-3,
            "warm_up_steps": 50,
            "gradient_limit": 1.0,
            "steps": 10_000_000,
            "time_limit_min": share * minutes,
            "time_limit_of": "processor",
            "schedule": "cosine",
            "shifted": True,
            "pose_timing": "stamps",
        }
        settings = Settings(model=name, seed=SEED, init_from=base, **recipe)
        out, options = root / name, MotionOptions(size=size)
        training = MotionTraining(
            data=data, out=out, settings=settings, options=options, recipe="quick"
        )
        training.run()
        rows = read_metrics(RunFolder(out).metrics)
        checks = [row["validation_rmse"] for row in rows if "validation_rmse" in row]
        figures |= {
            f"{stage}_steps": rows[-1]["step"],
            f"{stage}_validation_rmse_first": checks[0],
            f"{stage}_validation_rmse_best": min(checks),
            f"{stage}_cpu_s": rows[-1]["elapsed_s"],
        }
        base = str(out)
    return Path(base), figures


def fingering(folder: Path) -> dict[str, float]:
    """Match rates on the tonics that nothing was fitted to, and on all."""
    if not folder.is_dir():
        return {}
    ours = OurFingers(AnatomicalHand(Body(Person())))
    figures, rows = {}, []
    for kind in KINDS:
        pages = read_fingerings(folder / kind)
        unseen = [page for page in pages if not fitted(page)]
        found = match_fingerings(unseen, ours)
        whole = found[RIGHT].usual + found[LEFT].usual
        nearest = found[RIGHT].any_printed + found[LEFT].any_printed
        figures[f"fingering_match_{kind}"] = round(whole.rate, 4)
        figures[f"fingering_match_{kind}_any_printed"] = round(nearest.rate, 4)
        rates = [found[side].usual.rate for side in (RIGHT, LEFT)]
        rows.append((kind, whole.rate, *rates, nearest.rate, whole.notes))
    head = ("", "match", "right", "left", "any printed", "notes")
    print_table("Printed fingers, on tonics that nothing was fitted to", head, rows)
    return figures


def tracking(video: Path) -> dict[str, float]:
    """How many pictures of a real film both hands are seen in."""
    if not video.is_file():
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        found = figures_of(video, Path(scratch) / "seen.npz")
    return {"both_hands_fraction": round(found["both_hands_fraction"], 4)}


if __name__ == "__main__":
    main()
