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

"""MediaPipe's pose graph on one thread, without the part of its model that paints the outline.

The outline is asked for by nobody here, and takes more than a third of the time. What is left gives
the same landmarks to the last bit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.sense.tracking.mediapipe_package import find, model_file
from kpm_ros.sense.tracking.tracker import COMPLEXITY, TrackerConfig

MODELS = "pose_landmark"
"""What MediaPipe calls its models of bodies."""
GRAPH = "pose_landmark_cpu.binarypb"
OUTPUTS = ("pose_landmarks", "pose_world_landmarks")
THREAD = "one_thread"
"""What runs all steps. Each waits for the one before: with more threads, the pictures' data wander
from core to core, which took a tenth more of the processor and longer."""
OUTLINE, PRESENCE = 2, 1
"""Places of two of the model's outputs: the outline, and whether anybody is there."""
_DETECTION = "posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh"
_TRACKING = (
    "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator.threshold"
)
_GREY = np.full((64, 64, 3), 127, np.uint8)


def make_pose_graph(mediapipe: Any, config: TrackerConfig, *, single_pictures: bool) -> Any:
    """Make what `mediapipe.solutions.pose.Pose` is, for `find`, with a `close` like it."""
    from mediapipe.python.solution_base import SolutionBase

    model = model_file(mediapipe, MODELS, config.model)
    with tempfile.TemporaryDirectory() as folder:
        smaller = Path(folder) / model.name
        smaller.write_bytes(without_outline(model.read_bytes()))
        graph = SolutionBase(
            graph_config=_graph_of(model, smaller),
            side_inputs={
                "model_complexity": COMPLEXITY[config.model],
                # Its smoothing lags, and tells that a limb is hidden ten pictures late.
                "smooth_landmarks": False,
                "enable_segmentation": False,
                "smooth_segmentation": False,
                "use_prev_landmarks": not single_pictures,
            },
            calculator_params={
                _DETECTION: config.detection_confidence,
                _TRACKING: config.tracking_confidence,
            },
            outputs=list(OUTPUTS),
        )
        # Once a picture has gone through, the file has been read.
        find(graph, _GREY)
    return graph


def without_outline(model: bytes) -> bytes:
    """Leave out of a model whatever only its outline is made of.

    The outline's place is kept, and holds another output.
    """
    import flatbuffers
    from mediapipe.tasks.metadata import schema_py_generated as schema

    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(model), 0))
    [network] = whole.subgraphs
    wanted = list(network.outputs)
    wanted[OUTLINE] = wanted[PRESENCE]
    makers = {out: step for step in network.operators for out in step.outputs}
    kept: set[int] = set()
    waiting = [makers[out] for out in wanted]
    while waiting:
        step = waiting.pop()
        if id(step) not in kept:
            kept.add(id(step))
            waiting += [makers[given] for given in step.inputs if given in makers]
    network.operators = [step for step in network.operators if id(step) in kept]
    network.outputs = np.array(wanted, np.int32)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(whole.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _graph_of(model: Path, smaller: Path) -> Any:
    """Describe MediaPipe's own graph, but with another file in the place of a model."""
    from mediapipe.calculators.core import constant_side_packet_calculator_pb2 as constants
    from mediapipe.framework import calculator_pb2, thread_pool_executor_pb2
    from mediapipe.python._framework_bindings import validated_graph_config

    packaged = validated_graph_config.ValidatedGraphConfig()
    packaged.initialize(binary_graph_path=str(model.with_name(GRAPH)))
    graph = calculator_pb2.CalculatorGraphConfig()
    graph.ParseFromString(packaged.binary_config)
    places = [
        packet
        for node in graph.node
        for packet in node.options.Extensions[
            constants.ConstantSidePacketCalculatorOptions.ext
        ].packet
        if packet.string_value.endswith(model.name)
    ]
    if len(places) != 1:
        raise RuntimeError(f"its graph names {model.name} {len(places)} times")
    places[0].string_value = str(smaller)
    pool = graph.executor.add(name=THREAD, type="ThreadPoolExecutor").options
    pool.Extensions[thread_pool_executor_pb2.ThreadPoolExecutorOptions.ext].num_threads = 1
    for node in graph.node:
        node.executor = THREAD
    return graph
