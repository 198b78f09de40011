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

"""`kpm picture`: a body whose muscles light up, as a picture or as a video."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, needed_libraries, user_errors
from kpm_ros.operate.progress import progress

if TYPE_CHECKING:
    from kpm_ros.learn.pictures.clip import Clip

NAME = "picture"
PURPOSE = "draw a body whose muscles light up, as a picture or a video"
EXAMPLES = """\
examples:
  kpm picture DIR --out body.png                        a data set's first recording, 3 instants
  kpm picture DIR --excerpt p1_squat_1:3-9 --models ridge ours=runs/body --out squat.mp4
  kpm picture DIR --excerpt p1_squat_1 --at 1.2,2.5 --scale paper --out squat.pdf
  kpm picture DIR --excerpt p1_squat_1 --video squat.mp4 --blur-faces --out over.mp4
  kpm picture my_bag --excerpt 3-9 --out live.mp4       recorded effort, points and pictures
  kpm picture my_bag --models mine.safetensors --out again.mp4

Colours are those of one map of evenly rising lightness, so that the colour-blind can read them; the
bar below says what they stand for.
"""
USUAL_FPS, USUAL_INSTANTS = 15, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask what is to be drawn, and how."""
    parser.add_argument("source", type=Path, metavar="DIR|BAG", help="a data set, or a bag")
    add_output(parser)
    parser.add_argument(
        "--excerpt",
        default="",
        metavar="NAME[:START-END]",
        help="which recording, and its seconds; of a bag START-END (default: the first 6 s)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="whose estimates stand beside the truth, or beside the recorded effort",
    )
    parser.add_argument(
        "--lit",
        default="",
        metavar="NAME",
        help="whose effort is laid along the moving figure's limbs (default: the first body's)",
    )
    parser.add_argument("--view", default="", help="which camera view (default: the first)")
    parser.add_argument(
        "--video", type=Path, metavar="FILE", help="a video of the recording, to draw over"
    )
    parser.add_argument(
        "--video-offset",
        type=float,
        default=0.0,
        metavar="S",
        help="second of the recording at which the video begins (default: 0)",
    )
    parser.add_argument(
        "--blur-faces",
        action="store_true",
        help="make faces in the video unrecognisable; the whole picture where none is tracked",
    )
    parser.add_argument("--namespace", default="", help="of the topics, where a bag has several")


def add_output(parser: argparse.ArgumentParser, scale: bool = True) -> None:
    """Ask where pictures go and what they show, as every command that draws bodies does."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="a picture (.png, .svg, .pdf) or a video (.mp4)",
    )
    parser.add_argument(
        "--instants",
        type=int,
        metavar="N",
        help=f"of a picture: how many, evenly (default: {USUAL_INSTANTS})",
    )
    parser.add_argument(
        "--at", default="", metavar="LIST", help="of a picture: these seconds, such as 1.2,2.5"
    )
    parser.add_argument(
        "--fps", type=int, metavar="N", help=f"of a video: 10 to 30 (default: {USUAL_FPS})"
    )
    if not scale:
        return
    parser.add_argument(
        "--scale",
        default="person",
        metavar="person|paper|N",
        help="what is brightest: each muscle's most in the person's recordings; half of it above "
        "the least, as Muscles in Action draws; or N in the effort's unit (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Draw."""
    from kpm_ros.operate.replay import replay_errors

    out = check_output(arguments)
    with needed_libraries("drawing bodies", "train,devices"), user_errors(), replay_errors():
        draw(_clip(arguments), out, arguments)
    return 0


def _clip(arguments: argparse.Namespace) -> Clip:
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.operate import picture_sources
    from kpm_ros.replay.bag_file import is_bag

    source = arguments.source.expanduser()
    asked = picture_sources.Asked(
        models=tuple(arguments.models),
        scale=arguments.scale,
        view=arguments.view,
        lit=arguments.lit,
        video=arguments.video.expanduser() if arguments.video else None,
        video_offset_s=arguments.video_offset,
        blur_faces=arguments.blur_faces,
    )
    if is_bag(source):
        if asked.video:
            raise UserError("--video is of a data set's recording; a bag's own pictures are used")
        namespace = arguments.namespace.strip("/")
        return picture_sources.clip_of_bag(source, namespace, arguments.excerpt, asked)
    dataset = open_dataset(source)
    return picture_sources.clip_of_recording(dataset, arguments.excerpt, asked)


def check_output(arguments: argparse.Namespace) -> Path:
    """Refuse at once what cannot be drawn."""
    from kpm_ros.learn.pictures import body_picture, body_video

    out: Path = arguments.out.expanduser()
    video = out.suffix in body_video.SUFFIXES
    if not video and out.suffix not in body_picture.SUFFIXES:
        allowed = ", ".join((*body_picture.SUFFIXES, *body_video.SUFFIXES))
        raise UserError(f"{out} must end in one of {allowed}")
    if video and (arguments.instants or arguments.at):
        raise UserError("--instants and --at are of a picture, and the output is a video")
    if not video and arguments.fps:
        raise UserError("--fps is of a video, and the output is a picture")
    if arguments.instants is not None and not 1 <= arguments.instants <= 20:
        raise UserError(f"--instants must be from 1 to 20, not {arguments.instants}")
    return out


def draw(clip: Clip, out: Path, arguments: argparse.Namespace) -> None:
    """Draw a clip into a picture or a video, and say where it is."""
    from kpm_ros.learn.pictures import body_picture, body_video

    if out.suffix in body_video.SUFFIXES:
        fps = arguments.fps or USUAL_FPS
        with progress("drawing", body_video.frames_of(clip, fps), "pictures") as bar:
            count = body_video.draw_video(out, clip, fps, bar.advance)
        print(f"video of {count} pictures, {fps} a second, in {out}")
        return
    instants = _instants(arguments.at, clip) or clip.instants(arguments.instants or USUAL_INSTANTS)
    body_picture.draw_picture(out, clip, list(instants))
    print(f"picture in {out}")


def _instants(words: str, clip: Clip) -> list[float]:
    try:
        found = [float(word) for word in words.split(",") if word.strip()]
    except ValueError:
        raise UserError(f"--at is {words!r}, but must be seconds such as 1.2,2.5") from None
    for time_s in found:
        if not clip.start_s <= time_s <= clip.end_s:
            raise UserError(
                f"--at has {time_s:g} s, but what is shown lasts from {clip.start_s:g} to "
                f"{clip.end_s:g} s"
            )
    return sorted(found)
