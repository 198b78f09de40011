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

"""`kpm annotate`: the movement of both hands out of a video of somebody who plays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.text_tables import text_table
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.operate.progress import progress

if TYPE_CHECKING:
    from kpm_ros.core.camera_model import Camera
    from kpm_ros.motion.annotation import Annotated, TrackingFigures
    from kpm_ros.motion.video_hands import Tell

NAME = "annotate"
PURPOSE = "make clean motion of both hands out of a video from above a keyboard"
EXAMPLES = """\
examples:
  kpm annotate playing.mp4                          into out/annotate
  kpm annotate playing.mp4 --midi playing.mid --out mine --subject anna
  kpm annotate top.mp4 --registration room.yaml --view top
  kpm muscles mine/playing.npz                      what the hands' muscles do in it

Both hands are tracked in every picture, cleaned up as PianoMotion10M does, and posed on the
anatomical hand. The folder is one of PianoMotion10M: clips of 30 s, one every 24 s, those left out
in which both hands are visible in less than 80 % of frames. The whole movement is in NAME.npz.
A run that was stopped goes on where it was.

exit status: 0 done, 2 it cannot be done
"""

PICTURES = 9
"""In which the keyboard is looked for together: hands are elsewhere in each."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer a video, the notes played in it, and where to write."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video file")
    parser.add_argument(
        "--midi", type=Path, metavar="FILE", help="the notes played in it, which are taken along"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/annotate"),
        metavar="DIR",
        help="folder in PianoMotion10M's layout, others' clips stay (default: out/annotate)",
    )
    parser.add_argument("--subject", default="me", help="who plays (default: me)")
    parser.add_argument("--name", default="", help="of the video there (default: its file's)")
    parser.add_argument(
        "--split",
        default="train",
        choices=("train", "valid", "test"),
        help="list on which the video is put (default: train)",
    )
    parser.add_argument(
        "--registration",
        type=Path,
        metavar="FILE",
        help="where cameras stand (kpm calibrate room); without one, the keyboard is looked for",
    )
    parser.add_argument(
        "--view", default="", help="which of its cameras made the video (default: its only one)"
    )
    parser.add_argument(
        "--mirrored", action="store_true", help="the video is a mirror image, as of a selfie camera"
    )
    parser.add_argument(
        "--task-file", default="", metavar="FILE", help="a .task file of MediaPipe for hands"
    )


def run(arguments: argparse.Namespace) -> int:
    """Track, clean, pose, cut and write."""
    with user_errors():
        video = arguments.video.expanduser()
        name = _name(arguments.name or video.stem)
        subject = _name(arguments.subject)
        _check_notes(arguments.midi)
        camera = _camera(arguments.registration, arguments.view)
        with progress("tracking", unit="pictures") as bar:
            annotated = annotate_video(
                video,
                arguments.out / "tracked" / subject / name,
                mirrored=arguments.mirrored,
                task_file=arguments.task_file,
                camera=camera,
                tell=bar.at,
            )
        written, left_out = _write(arguments, annotated, subject, name)
    if annotated.doubt:
        print(
            f"{annotated.doubt[0].upper()}{annotated.doubt[1:]}: hands are taken to be as large as "
            "an average adult's, and the motion is in the camera's axes."
        )
    print(told(annotated.figures), end="")
    sizes = ", ".join(f"{side} {size:.2f}" for side, size in sorted(annotated.sizes.items()))
    print(f"hands relative to an average adult's: {sizes}")
    print(f"{written} clip(s) of {name} and {name}.npz written to {arguments.out}")
    if left_out:
        print(f"{left_out} clip(s) left out: both hands visible in less than 80 % of frames")
    return 0


def annotate_video(
    video: Path,
    kept: Path,
    *,
    mirrored: bool = False,
    task_file: str = "",
    camera: Camera | None = None,
    tell: Tell | None = None,
) -> Annotated:
    """Make a video's motion; `kept` is the folder in which what was tracked is kept."""
    from kpm_ros.motion.annotation import annotate
    from kpm_ros.motion.video_hands import track_video
    from kpm_ros.sense.camera.some_pictures import take_pictures
    from kpm_ros.sense.tracking.tracker import TrackerConfig, TrackerUnavailableError

    try:
        config = TrackerConfig(mirrored=mirrored, task_file=task_file)
        seen = track_video(video, kept, config, tell)
    except TrackerUnavailableError as error:
        raise UserError(str(error)) from None
    if not seen.seen.any():
        raise UserError(f"no hand was seen in any of the {len(seen.seen)} pictures of {video}")
    if camera is not None:
        return annotate(seen, (), video.stem, camera.scaled(*seen.image_size))
    return annotate(seen, take_pictures(str(video), PICTURES), video.stem)


def figures_of(video: Path, kept: Path) -> dict[str, float]:
    """Measure how well a video's hands are tracked: both_hands_fraction, swapped and jitter."""
    from dataclasses import asdict

    return {
        name: float(value) for name, value in asdict(annotate_video(video, kept).figures).items()
    }


def told(figures: TrackingFigures) -> str:
    """Lay out the figures as a table."""
    rows = [
        ("both hands seen", f"{100 * figures.both_hands_fraction:.1f} % of pictures"),
        ("with short gaps filled", f"{100 * figures.both_hands_cleaned:.1f} % of frames"),
        ("left out as turned over", f"{figures.turned_over} hands in single pictures"),
        ("hands that look exchanged", f"{figures.swapped} pictures"),
        ("jitter from picture to picture", f"{figures.jitter_before_mm:.2f} mm"),
        ("the same after clean-up", f"{figures.jitter_after_mm:.2f} mm"),
        ("posed hand to clean points", f"{figures.residual_mm:.1f} mm"),
    ]
    return text_table(rows, ("both hands", "in this video")) + "\n"


def _name(text: str) -> str:
    """Make a name that the published layout allows."""
    made = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    made = made.strip("-")[:80]
    if not made:
        raise UserError(f"{text!r} holds no letter or digit a name could be made of: give --name")
    return made


def _camera(registration: Path | None, view: str) -> Camera | None:
    if registration is None:
        return None
    from kpm_ros.core.registration import Registration

    cameras = Registration.read(registration).cameras
    name = view or (next(iter(cameras)) if len(cameras) == 1 else "")
    if name not in cameras:
        known = ", ".join(cameras) or "none"
        raise UserError(f"--view is {view!r}, but the cameras of {registration} are {known}")
    return cameras[name].camera


def _check_notes(midi: Path | None) -> None:
    if midi is not None:
        from kpm_ros.sense.midi.score import read_midi

        read_midi(midi)


def _write(
    arguments: argparse.Namespace, annotated: Annotated, subject: str, name: str
) -> tuple[int, int]:
    """Write clips, notes and the whole movement: how many clips, and how many were left out."""
    from kpm_ros.core.atomic_files import write_atomically
    from kpm_ros.core.foreign_files import MIDI_BYTES, read_bytes
    from kpm_ros.core.stream_kinds import KEYBOARD
    from kpm_ros.motion.annotation import LEAST_VISIBLE, clips
    from kpm_ros.motion.published_camera import as_seen
    from kpm_ros.motion.published_layout import PublishedClip, add_to_split, write_annotation

    root, motion = arguments.out, annotated.motion
    motion.save(root / f"{name}.npz")
    seen = as_seen(motion) if motion.frame == KEYBOARD else motion
    written = left_out = 0
    for number, (clip, visible) in enumerate(clips(seen)):
        place = PublishedClip(root, subject, name, f"{name}_seq_{number:04d}")
        place.annotation.unlink(missing_ok=True)
        if visible < LEAST_VISIBLE:
            left_out += 1
            continue
        write_annotation(place, clip)
        written += 1
    if arguments.midi is not None:
        content = read_bytes(arguments.midi, MIDI_BYTES)
        write_atomically(root / "midi" / subject / f"{name}.mid", content)
    if written:
        add_to_split(root, arguments.split, subject, name)
    return written, left_out
