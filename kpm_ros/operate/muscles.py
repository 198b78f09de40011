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

"""`kpm muscles`: what all muscles of a hand do in a movement, by an anatomical model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.sides import HANDS
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.operate.progress import progress

if TYPE_CHECKING:
    from kpm_ros.core.hand_motion import HandMotion
    from kpm_ros.motion.muscle_use import MuscleUse
    from kpm_ros.operate.hand_sources import HandSource

NAME = "muscles"
PURPOSE = "tell what all muscles of a hand do in a recorded movement, by an anatomical model"
EXAMPLES = """\
examples:
  kpm muscles landmarks.csv                          21 points of a hand, in metres, over time
  kpm muscles out/motion.npz --midi piece.mid        a movement, and the keys that it presses
  kpm muscles out/demo/bag --out out/muscles         what registered cameras saw, and the keys
  kpm muscles points.csv --up 0,-1,0 --cutoff 6      a camera's own axes; a noisy recording

How: inverse kinematics finds the angles of MyoHand's 23 joints in every frame, its bones as long as
they were seen to be; inverse dynamics finds the torques that movement, gravity and keys ask for;
static optimisation shares them among 40 muscles with the least sum of squared activations. Of each
frame the CSV and NPZ file hold every muscle's activation (0 to 1), the torque asked for, what no
muscles could give of it (residual_nm) and how far the model's hand is from the landmarks
(pose_error_mm). Where these are large, the model does not hold what was recorded: that is said.

Keys push back with a force that follows from the velocity of notes, on the finger that a generated
movement tells, else on the fingertip that is nearest to the key. Without --midi, and of a bag
without notes, fingers touch nothing: activations are then those of moving and holding the hand.

A CSV file has the columns time_s and wrist_x, wrist_y, wrist_z, thumb_cmc_x, ... little_tip_z in
metres (MediaPipe's 21 points; of two hands left_wrist_x, right_wrist_x, ...), in the keyboard's
axes: x to the right, y away from the player, z up. Axes of another kind are given by --up; the
forearm is then taken to be in line with the hand.

SIMULATED: a model's activations, not measured ones; read them relative to each other. A tracker's
jitter looks like force: clean a recording first, or lower --cutoff.

exit status: 0 written, 2 it cannot be used
"""
FILES = ("simulated_muscles.csv", "simulated_muscles.npz", "simulated_muscles.svg")
RECORDED_CUTOFF_HZ = 8.0
"""Of a movement that was seen: quicker than that is mostly a tracker's jitter."""
SHOWN_LAPSES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the movement, the keys, and where results go."""
    from kpm_ros.simulate.anatomy.statics import CUTOFF_HZ

    parser.add_argument(
        "source",
        type=Path,
        metavar="LANDMARKS|BAG|MOTION",
        help="landmarks (.csv, .npz), a bag, or a movement (.npz)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/muscles"),
        metavar="DIR",
        help=f"folder for {', '.join(FILES)} (default: %(default)s)",
    )
    parser.add_argument(
        "--hand",
        choices=HANDS,
        default="",
        help="which hand: of a table without sides, or of a bag (default: right, or as it says)",
    )
    parser.add_argument("--midi", default="", metavar="FILE", help="the keys that were pressed")
    parser.add_argument(
        "--midi-offset",
        type=float,
        default=0.0,
        metavar="S",
        help="when the MIDI file begins, on the movement's clock (default: 0)",
    )
    parser.add_argument(
        "--registration",
        default="",
        metavar="FILE",
        help="of a bag: where its cameras stood (default: as it says itself)",
    )
    parser.add_argument("--namespace", default="", help="of the topics, where a bag has several")
    parser.add_argument(
        "--up", default="", metavar="X,Y,Z", help="what is up in the landmarks' axes (default: z)"
    )
    parser.add_argument(
        "--cutoff",
        type=float,
        metavar="HZ",
        help="quicker movement counts as noise (default: "
        f"{RECORDED_CUTOFF_HZ:g}, or {CUTOFF_HZ:g} of a simulated movement)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Work it out, write it, and say what came of it."""
    from kpm_ros.operate.hand_sources import open_hands
    from kpm_ros.simulate.bodies import check_anatomy

    up = _direction(arguments.up)
    if arguments.cutoff is not None and not 0.5 <= arguments.cutoff <= 100:
        raise UserError(f"--cutoff is {arguments.cutoff:g} Hz, but must be from 0.5 to 100")
    with user_errors():
        check_anatomy()
    source = open_hands(
        arguments.source,
        hand=arguments.hand,
        registration=arguments.registration,
        namespace=arguments.namespace,
        midi=arguments.midi,
        midi_offset_s=arguments.midi_offset,
    )
    with user_errors():
        _work_out(source, up, arguments)
    return 0


def _work_out(
    source: HandSource, up: tuple[float, float, float] | None, arguments: argparse.Namespace
) -> None:
    from kpm_ros.motion.muscle_use import muscle_use, muscles_of_person, no_forces
    from kpm_ros.motion.posed import posed_hand, upright
    from kpm_ros.simulate.anatomy.statics import CUTOFF_HZ
    from kpm_ros.simulate.person import Person

    motion = upright(source.motion, up)
    cutoff_hz = arguments.cutoff or (CUTOFF_HZ if motion.simulated else RECORDED_CUTOFF_HZ)
    poses = {}
    with progress("posing", len(motion.hands)) as bar:
        for side in motion.hands:
            poses[side] = posed_hand(motion, side)
            bar.advance()
    motion = replace(motion, hands={side: pose.hand for side, pose in poses.items()})
    forces = _forces(source, motion)
    uses = {}
    with progress("working out muscles", len(motion) * len(poses)) as bar:
        for side, pose in poses.items():
            uses[side] = muscle_use(
                motion,
                side,
                muscles_of_person(Person(hand_size=pose.size)),
                (forces or no_forces(motion))[side],
                pose.error_m,
                cutoff_hz,
                bar.advance,
            )
    for side, use in uses.items():
        if not use.known.any():
            raise UserError(f"the {side} hand is never seen for long enough to tell how it moves")
    _write(arguments.out.expanduser(), motion, uses, forces)
    _say(motion, uses)


def _forces(source: HandSource, motion: HandMotion) -> Mapping[str, Any] | None:
    """Find what the keys do, and say so; None where nothing is known of them."""
    from kpm_ros.core.stream_kinds import KEYBOARD
    from kpm_ros.motion.key_contacts import contacts_of, forces_of

    if not source.score.notes:
        print("No keys are known: fingers are taken to touch nothing (give --midi FILE).")
        return None
    if motion.frame != KEYBOARD:
        raise UserError(
            "keys are known, but the landmarks are not in the keyboard's axes: leave --midi or "
            "--up away"
        )
    contacts = contacts_of(motion, source.score)
    played = sum(bool(one.side) for one in contacts)
    print(
        f"Of {len(contacts)} notes within the movement, {played} have a finger on their key, which "
        "the key pushes back."
    )
    return forces_of(motion, contacts)


def _write(
    folder: Path,
    motion: HandMotion,
    uses: Mapping[str, MuscleUse],
    forces: Mapping[str, Any] | None,
) -> None:
    import numpy as np

    from kpm_ros.core.atomic_files import atomic_file, write_output
    from kpm_ros.learn.pictures.muscle_map import draw_muscles
    from kpm_ros.motion.muscle_tables import as_arrays, as_csv

    table, arrays, picture = (folder / name for name in FILES)
    write_output(table, as_csv(motion, uses, forces).encode())
    with atomic_file(arrays) as file:
        np.savez_compressed(file, **as_arrays(motion, uses, forces))
    draw_muscles(picture, motion, uses)
    print(f"Written to {folder}: {', '.join(FILES)}.")


def _say(motion: HandMotion, uses: Mapping[str, MuscleUse]) -> None:
    """Print what each hand's muscles did, and where the model does not hold."""
    import numpy as np

    from kpm_ros.core.text_tables import text_table
    from kpm_ros.motion.muscle_tables import NOTICE, lapses, strongest
    from kpm_ros.simulate.anatomy.muscle_meanings import meaning, short_name

    print(f"{NOTICE}.")
    for side, use in uses.items():
        known = use.known
        print(
            f"\n{side.capitalize()} hand, {motion.duration_s:.1f} s, known in "
            f"{100 * known.mean():.0f} % of them. The muscles that work most:"
        )
        rows: Sequence[Sequence[str]] = [
            (short_name(name), f"{mean:.2f}", f"{peak:.2f}", meaning(name))
            for name, mean, peak in strongest(use)
        ]
        print(text_table(rows, ("muscle", "mean", "peak", ""), figures=(1, 2), indent="  "))
        share = np.median(use.residual_share[known])
        error_mm = 1000 * use.pose_error_m[np.isfinite(use.pose_error_m)]
        fits = f", the model's hand {np.median(error_mm):.1f} mm off" if len(error_mm) else ""
        print(f"  In half of the frames at least {100 * (1 - share):.0f} % of torque is met{fits}.")
        found = lapses(motion, use)
        longest = sorted(found, key=lambda one: one.start_s - one.end_s)[:SHOWN_LAPSES]
        for one in sorted(longest):
            print(f"  {one.start_s:.2f} to {one.end_s:.2f} s: {one.why}.")
        if len(found) > len(longest):
            print(f"  ... and {len(found) - len(longest)} shorter stretches of the kind.")


def _direction(words: str) -> tuple[float, float, float] | None:
    if not words:
        return None
    try:
        x, y, z = (float(word) for word in words.split(","))
    except ValueError:
        raise UserError(f"--up is {words!r}, but must be a direction such as 0,-1,0") from None
    return x, y, z
