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

"""What a session begins with: its nodes, its facts, and whether devices are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kpm_ros import graph, pipeline_nodes, pipeline_topics
from kpm_ros.core import provenance
from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import MODEL_BYTES, SETTINGS_BYTES, digest, read_bytes
from kpm_ros.core.resources import find_model
from kpm_ros.core.session_file import FILE, Session, check_person
from kpm_ros.core.settings import ConfigurationError, values_of
from kpm_ros.operate import checkups, preflight
from kpm_ros.operate.session_protocol import Need, Protocol, protocol_path, read_protocol
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.pipeline_topics import LANDMARKS, input_topics
from kpm_ros.sense.camera.v4l2 import find_cameras
from kpm_ros.sense.checkup import Finding
from kpm_ros.sense.signal_watch import SignalWatch

PROTOCOL_FILE = "protocol.yaml"
"""In a session's folder: the protocol as it was when the session began."""
HOST_PACKAGES = ("numpy", "scipy", "numba", "rosbags")
PATIENCE_S = 15.0
DRIVERS: Mapping[str, Need] = {"camera": "cameras", "midi": "keys", "emg": "emg"}
"""What nodes that hold devices give."""
PATHS = ("params_file", "registration")
"""Options that name files."""
NO_MOTION = {"exo": "false", "gesture": "false"}
"""Nothing that moves a person runs while their maxima are recorded."""


def begin(folder: Path, person: str, protocol: str, given: Mapping[str, str]) -> Session:
    """Begin a session in a folder that holds nothing yet."""
    check_person(person)
    source = protocol_path(protocol)
    asked = read_protocol(source)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} is no session, and not empty: name a new folder, or one with a {FILE}"
        )
    options = options_of(given)
    nodes = needed_nodes(options, asked, person)
    model = find_model(options.model)
    session = Session(
        person,
        asked.name,
        (),
        hand=options.hand,
        subject=options.subject,
        simulated=options.source == "simulator",
        namespace=options.namespace,
        envelope=_settings("emg", options).smoothing.as_words(),
        model=options.model,
        model_sha256=digest(model, MODEL_BYTES),
        commit=provenance.commit(),
        host=provenance.host(HOST_PACKAGES),
        options=dict(given),
        parameters={node.name: values_of(_settings_of(node, options)) for node in nodes},
    )
    write_atomically(folder / PROTOCOL_FILE, read_bytes(source, SETTINGS_BYTES))
    session.write(folder)
    return session


def resume(folder: Path, person: str, given: Mapping[str, str]) -> Session:
    """Go on with a session; what was recorded when the program ended is no take."""
    session = Session.read(folder)
    if person and person != session.person:
        raise ConfigurationError(
            f"{folder} is a session of {session.person}, not of {person}: name another folder"
        )
    for name, value in given.items():
        if session.options.get(name) != value:
            before = session.options.get(name, "left as it is")
            raise ConfigurationError(
                f"{folder} was begun with {name} {before}, not {value!r}: leave the option out, "
                "or begin another session"
            )
    for take in session.takes:
        if take.state == "recording":
            why = "the program ended in it"
            session = session.with_take(replace(take, state="failed", why=why))
    return session


def with_whole_paths(given: Mapping[str, str]) -> dict[str, str]:
    """Write the paths among the options so that they lead there from every folder."""
    return {
        name: str(Path(value).expanduser().absolute()) if name in PATHS and value else value
        for name, value in given.items()
    }


def options_of(given: Mapping[str, str]) -> PipelineOptions:
    """Type the options of a session's pipeline; devices are used unless it says otherwise."""
    return PipelineOptions.from_strings({"source": "devices", **given, **NO_MOTION})


def needed_nodes(options: PipelineOptions, protocol: Protocol, person: str) -> list[NodeSpec]:
    """List the nodes that a protocol needs; estimating effort takes all of the model's senses."""
    if "emg" in protocol.needs and not options.emg:
        raise ConfigurationError(f"emg is false, but the protocol {protocol.name} needs it")
    nodes = [
        node
        for node in graph.build(options)
        if node.executable not in DRIVERS or DRIVERS[node.executable] in protocol.needs
    ]
    if {"cameras", "keys"} - {*protocol.needs} and options.whose.has_keys:
        nodes = [node for node in nodes if node.name not in ("synchronizer", "inference")]
    return [_prompted(node, person) if node.name == "simulator" else node for node in nodes]


def watch_for(options: PipelineOptions, protocol: Protocol) -> SignalWatch:
    """Watch the signals that a protocol needs, with the amplifier's parameters."""
    settings = _settings("emg", options)
    views = [
        name
        for name in input_topics(options.sensed)
        if pipeline_topics.topic(name) == LANDMARKS and "cameras" in protocol.needs
    ]
    return SignalWatch(
        views,
        keys="keys" in protocol.needs,
        emg="emg" in protocol.needs,
        health=replace(settings.health, mains_hz=settings.smoothing.notch_hz),
        envelope=settings.smoothing,
    )


def device_findings(options: PipelineOptions, protocol: Protocol) -> Iterator[Finding]:
    """Try the devices that a protocol needs, before nodes hold them, and say what is not well."""
    if options.source != "devices":
        return
    tries: list[tuple[str, str]] = []
    if "cameras" in protocol.needs:
        tries += [("camera", str(camera.path)) for camera in find_cameras()] or [("no_camera", "")]
    if "keys" in protocol.needs and not options.midi.endswith((".mid", ".midi")):
        tries.append(("midi", ""))
    if "emg" in protocol.needs and options.emg_device.startswith("lsl"):
        tries.append(("lsl", ""))
    for check, device in tries:
        for finding in checkups.run_one(check, device, PATIENCE_S):
            if finding.state != "ok":
                yield finding


def _prompted(node: NodeSpec, person: str) -> NodeSpec:
    """Make the simulated person obey the prompts; each code is another person."""
    seed = int("".join(c for c in person if c.isdigit()))
    return replace(node, parameters={**node.parameters, "prompted": True, "seed": seed})


def _settings_of(node: NodeSpec, options: PipelineOptions) -> Any:
    table = preflight.read_parameters(Path(pipeline_nodes.params_file(options)))
    return preflight.settings_of(
        node.name, options.namespace, table, node.parameters, node.executable
    )


def _settings(node: str, options: PipelineOptions) -> Any:
    return _settings_of(NodeSpec(node, ""), options)
