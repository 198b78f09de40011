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

"""`kpm generate`: the movement of both hands, made of a piece of music."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.core.hand_motion import HandMotion
    from kpm_ros.motion.by_diffusion import MotionSampler, Music
    from kpm_ros.sense.midi.score import Score

NAME = "generate"
PURPOSE = "make the movement of both hands of a piece of music"
EXAMPLES = """\
examples:
  kpm generate piece.mid --out piece.npz                  our pianist, SIMULATED
  kpm generate piece.mid --out piece.npz --from-s 10 --seconds 30 --seed 3
  kpm generate piece.mid --model out/gesture --steps 100 --out diffusion.npz
                             a model that `kpm train --model pianomotion-gesture` made
  kpm generate piece.mp3 --model out/by_sound --out piece.npz
                             one that was trained on sound

What comes out is one file of arrays (docs/motion.md), which `kpm muscles` and `kpm play` take.
"""
USUAL_STEPS, USUAL_SEED = 50, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the music and for how it is to be played."""
    parser.add_argument("music", type=Path, metavar="MIDI|AUDIO", help="what is played")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.npz", help="where the movement goes"
    )
    parser.add_argument(
        "--model",
        default="",
        metavar="RUN",
        help="run folder or file of a trained model (default: our simulated pianist)",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help=f"of a model's diffusion, 5 to 1000 (default: {USUAL_STEPS})",
    )
    parser.add_argument(
        "--seed", type=int, default=USUAL_SEED, help="of what is drawn (default: %(default)s)"
    )
    parser.add_argument(
        "--from-s", type=float, default=0.0, metavar="S", help="where in the music to begin"
    )
    parser.add_argument(
        "--seconds", type=float, default=math.inf, metavar="S", help="how much of it (default: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make and write it."""
    if not (math.isfinite(arguments.from_s) and arguments.from_s >= 0 < arguments.seconds):
        raise UserError("--from-s must be 0 or more, and --seconds above 0")
    if arguments.out.suffix != ".npz":
        raise UserError(f"{arguments.out} is to be a file of arrays: give a name that ends in .npz")
    if arguments.steps is not None and not arguments.model:
        raise UserError("--steps is of a model's diffusion: give --model, too")
    with user_errors():
        motion = _by_model(arguments) if arguments.model else _by_our_pianist(arguments)
        motion.save(arguments.out.expanduser())
    print(
        f"written to {arguments.out}: {motion.duration_s:.1f} s of {' and '.join(motion.hands)} "
        f"hand at {motion.rate_hz:g} Hz. {motion.source}"
    )
    return 0


def _by_our_pianist(arguments: argparse.Namespace) -> HandMotion:
    from kpm_ros.motion.generation import generate
    from kpm_ros.operate.evaluate_output import progress
    from kpm_ros.sense.midi.score import read_voices

    _read_score(arguments.music)
    with progress(1, "playing") as step:
        motion = generate(read_voices(arguments.music), seed=arguments.seed)
        step("")
    # How the hands come to the keys, before the music, belongs to its beginning.
    begin = arguments.from_s or motion.start_s
    return motion.cut(begin, arguments.from_s + min(arguments.seconds, motion.duration_s))


def _read_score(path: Path) -> Score:
    """Read notes, and say what is odd about them."""
    from kpm_ros.sense.midi.oddities import oddities
    from kpm_ros.sense.midi.score import read_midi

    score = read_midi(path)
    for sentence in oddities(path, score):
        print(f"{path}: {sentence}", file=sys.stderr)
    return score


def _by_model(arguments: argparse.Namespace) -> HandMotion:
    try:
        from kpm_ros.motion.by_diffusion import MotionSampler
    except ModuleNotFoundError as error:
        raise UserError(
            f"models of movement need the library {error.name}, which comes with `make setup` or "
            "`pip install kpm_ros[train]`"
        ) from None
    from kpm_ros.operate.evaluate_output import progress

    steps = USUAL_STEPS if arguments.steps is None else arguments.steps
    sampler = MotionSampler.load(arguments.model)
    music = _music(sampler, arguments)
    with progress(steps, "diffusion") as step:
        return sampler.sample(music, steps, arguments.seed, lambda: step(""))


def _music(sampler: MotionSampler, arguments: argparse.Namespace) -> Music:
    """Read what the model is to be given: notes, or sound."""
    from kpm_ros.motion.by_diffusion import music_of_score, music_of_sound
    from kpm_ros.sense.audio_file import read_audio

    path, begin = arguments.music, arguments.from_s
    if sampler.by_notes:
        if path.suffix.lower() not in (".mid", ".midi"):
            raise UserError(f"{sampler.card.name} was trained on notes: {path} is no MIDI file")
        return music_of_score(_read_score(path), begin, arguments.seconds)
    return music_of_sound(read_audio(path, begin, arguments.seconds), begin, path.stem)
