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

"""What can be checked before six processes are started, so that a mistake gives one sentence."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpm_ros import graph, pipeline_nodes
from kpm_ros.core.hands import check_pictures
from kpm_ros.core.params_file import meant_for, read_table
from kpm_ros.core.resources import find_model
from kpm_ros.core.settings import declared, make_settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.hands import card_of_hand
from kpm_ros.models.weight_files import read_card
from kpm_ros.nodes.given_parameters import own
from kpm_ros.nodes.node_settings import KINDS
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.sense.midi.score import read_midi


def require_ros() -> None:
    """See that ROS 2 and the package's messages can be imported."""
    if importlib.util.find_spec("rclpy") is None:
        raise UserError(
            "ROS 2 was not found: run `make setup` in the project's folder and use its kpm, or "
            "source your ROS 2 installation (such as /opt/ros/jazzy/setup.bash) first"
        )
    if importlib.util.find_spec("kpm_ros.msg") is None:
        raise UserError(
            "the package's messages are not built: run `make setup` in the project's folder, or "
            "`colcon build` and source install/setup.bash"
        )


def check(options: PipelineOptions) -> None:
    """Refuse options that cannot work together with the files they name.

    A node whose default settings suit another model's muscles is named, and stays without work.
    """
    with user_errors():
        nodes = graph.build(options)
        card = card_of_hand(read_card(find_model(options.model)), options.hand)
        check_pictures(options.streams, options.hand, options.registered)
        if options.midi and options.source == "simulator":
            read_midi(options.midi)
        parameters = read_parameters(Path(pipeline_nodes.params_file(options)))
        for node in nodes:
            checked = settings_of(
                node.name, options.namespace, parameters, node.parameters, node.executable
            )
            _check_muscles(node, checked, card)
        if options.record:
            _check_record_folder(Path(options.record))
    if options.source == "devices" and options.whose.room_model and not options.registration:
        print(
            f"kpm: nobody knows where these cameras stand, and {card.name} may know other places "
            "only: `kpm calibrate room` finds them, for registration:=FILE",
            file=sys.stderr,
        )


def settings_of(
    node: str,
    namespace: str,
    parameters: dict[str, Any],
    given: Mapping[str, Any],
    executable: str = "",
) -> Any:
    """Settings of a node: those given for it, else the parameters file's, else the defaults."""
    kind = KINDS[executable or node]
    values, _ = own(kind, meant_for(parameters, f"/{namespace}/{node}"))
    return make_settings(node, kind, {**values, **given})


def _check_muscles(node: NodeSpec, settings: Any, card: ModelCard) -> None:
    """See that a node's settings name muscles of the model; only those of nobody's wish need not.

    These are the defaults, and what the subject usually has.
    """
    known = declared(type(settings))
    for what in ("gains", "gestures"):
        weights = getattr(settings, what, [])
        named = [words[1] for words in map(str.split, weights) if len(words) == 3]
        lacking = [muscle for muscle in named if muscle not in card.muscles]
        if not lacking:
            continue
        why = (
            f"{what} names the muscle {lacking[0]!r}, but the model {card.name} gives "
            f"{', '.join(card.muscles)}"
        )
        if list(weights) not in (list(known[what].default), node.parameters.get(what)):
            raise UserError(f"{node.name}: {why}")
        print(f"kpm: {node.name} will do nothing: {why}", file=sys.stderr)


def read_parameters(path: Path) -> dict[str, Any]:
    """Read a ROS parameters file as a table."""
    with user_errors():
        return read_table(path)


def _check_record_folder(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"record is {str(folder)!r}, but that folder exists and is not empty")
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise UserError(
            f"record is {str(folder)!r}, but nothing can be written there: {error.strerror}"
        ) from None
