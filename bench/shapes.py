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

"""The shipped model of SIMULATED hands' shapes: on other simulated hands, and on real films.

Data: films of ../shared/data, each of which shows one gesture after a hand that does nothing, and
45 s of piano playing, in which no gesture is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _report import ROOT, bench_options, machine, print_table, write_report

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.act.gestures.hand_shape import HandShape
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.resources import DEFAULT_GESTURES, find_gesture_model
from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded
from kpm_ros.learn.gestures.gesture_scores import hear, outcomes, scores
from kpm_ros.learn.gestures.simulated_shapes import simulated_shapes
from kpm_ros.motion.video_hands import track_video
from kpm_ros.simulate.hand import HAND_SKELETON

DATA = ROOT.parent / "shared/data"
FILMS = {
    "thumb_up": "people/gesture_recognizer_test_video.mp4",
    "open": "people/hand_landmarker_test_video.mp4",
    "none": "video/overhead_piano.mp4",
}
OTHERS = 2
"""The seed of people whom the model has not met."""


def of_others(model: GestureModel) -> Iterator[tuple[str, float]]:
    """On simulated people."""
    found = scores(outcomes(model, hear(model, simulated_shapes(seed=OTHERS))))
    yield "window_simulated", 100 * found.window_accuracy
    yield "execution_simulated", 100 * found.execution_accuracy
    yield "found_simulated", 100 * found.found
    yield "false_activations_per_hour_simulated", found.false_activations_per_hour


def of_film(model: GestureModel, gesture: str, film: Path) -> Iterator[tuple[str, float]]:
    """On both hands of a film."""
    with TemporaryDirectory() as kept:
        seen = track_video(film, Path(kept))
    shape = HandShape(HAND_SKELETON)
    stamps_ns = np.round(seen.times_s * NS_PER_S).astype(np.int64)
    hands = []
    for side in range(seen.points.shape[1]):
        flat = seen.points[:, side, :, :2].astype(float) * seen.image_size
        hands.append(
            Execution(gesture, side + 1, {"landmarks": Recorded(stamps_ns, shape.measure(flat))})
        )
    recorded = ExecutionSet({"landmarks": shape.names}, {"landmarks": seen.rate_hz}, tuple(hands))
    alone = [hear(model, recorded.where(lambda each, hand=hand: each is hand)) for hand in hands]
    told = [outcomes(model, heard)[0] for heard in alone if len(heard[0].alone)]
    answers = [answer for one in told for answer in one.answers]
    decided = [answer for one in told for answer in one.decided]
    yield f"windows_{gesture}_real", float(len(answers))
    yield f"window_{gesture}_real", 100 * float(np.mean([each == gesture for each in answers]))
    yield f"decided_{gesture}_real", 100 * float(np.mean([each == gesture for each in decided]))
    yield f"begun_{gesture}_real", float(sum(len(one.begun) for one in told))


def main() -> None:
    """Test on what there is."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR")
    options = parser.parse_args()
    described = machine()
    model = GestureModel.load(find_gesture_model(DEFAULT_GESTURES))
    figures = dict(of_others(model))
    for gesture, film in FILMS.items():
        figures |= dict(of_film(model, gesture, options.data / film))
    print_table("shapes of a hand", ("figure", "value"), figures.items())
    write_report(options.out, figures, described, ("numpy", "mediapipe"))


if __name__ == "__main__":
    main()
