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

"""A bag as a recording of a data set: what devices said in it, and the effort measured by EMG.

Bags of this package are understood by themselves, others with a table of their topics.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from kpm_ros import graph
from kpm_ros.core.foreign_files import printable
from kpm_ros.core.session_file import FILE as SESSION_FILE
from kpm_ros.core.session_file import Session, Take
from kpm_ros.learn.importing.emg_truth import EmgRules, strongest
from kpm_ros.learn.importing.measured import (
    EMG,
    Measured,
    TakenRecording,
    TakeRules,
    recording_of,
)
from kpm_ros.learn.importing.source import CHANNELS, HAND, Taken, file_facts
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topic_map import TopicMap
from kpm_ros.replay.topics import EMG as EMG_TYPE
from kpm_ros.replay.topics import KEY_EVENT, KEY_MOTION, TopicFinder
from kpm_ros.sense.emg.mvc import HELD_S, Mvc
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.wire import decode

SIMULATOR = "simulator"
Keep = Callable[[Any, int], None]


def recording_of_bag(
    folder: Path, rules: TakeRules, topics: TopicMap | None = None, namespace: str = ""
) -> TakenRecording:
    """Make a recording of a bag; a ValueError says why there can be none.

    What of the bag cannot be used is said, and the rest is used.
    """
    try:
        return recording_of(read_measured(folder, topics, namespace), rules)
    except (BagError, RecordingError) as error:
        raise RecordingError(_about(folder, error)) from None


def is_simulated(bag: BagReader) -> bool:
    """Whether a bag says that its devices were simulated."""
    parameters = bag.facts.get("parameters", "")
    try:
        nodes = json.loads(parameters) if parameters else {}
    except (ValueError, RecursionError):
        return False
    return isinstance(nodes, dict) and any(
        str(name).rsplit("/", 1)[-1] == SIMULATOR for name in nodes
    )


def read_measured(folder: Path, topics: TopicMap | None = None, namespace: str = "") -> Measured:
    """Read what devices said in a bag, as far as it can be read."""
    measured = Measured()
    with BagReader(folder) as bag:
        measured.registration = recorded_with.registration(bag.facts)
        keepers = _mapped(topics, measured) if topics else _own(bag, measured, namespace)
        lacking = [topic for topic in keepers if topic not in bag.topics]
        for topic in lacking:
            measured.said.append(f"the bag {folder} has no topic {topic}")
            del keepers[topic]
        if not keepers:
            raise BagError(
                f"the bag {folder} has none of the topics wanted: it has "
                f"{printable(', '.join(sorted(bag.topics))) or 'none'}"
            )
        refused: dict[str, tuple[int, str]] = {}
        for message in _readable(bag, keepers, measured):
            try:
                keepers[message.topic](bag.decode(message), message.stamp_ns)
            except (decode.RefusedMessageError, BagError) as error:
                count, first = refused.get(message.topic, (0, str(error)))
                refused[message.topic] = (count + 1, first)
        measured.said += [
            f"{count} messages of {topic} were left out: {first}"
            for topic, (count, first) in refused.items()
        ]
    return measured


def _readable(bag: BagReader, topics: Any, measured: Measured) -> Iterator[Any]:
    """Give messages up to where the bag is damaged, if it is."""
    messages = bag.messages(list(topics))
    while True:
        try:
            message = next(messages, None)
        except BagError as error:
            measured.said.append(f"it was read up to where it is damaged: {error}")
            return
        if message is None:
            return
        yield message


def _own(bag: BagReader, measured: Measured, namespace: str) -> dict[str, Keep]:
    """Find the topics of this package's devices."""
    finder = TopicFinder(bag, namespace)
    keepers: dict[str, Keep] = {}
    emg = finder.find(EMG_TYPE)
    for name, topic in finder.senses().items():
        if topic == emg or name == "emg/samples":
            keepers[topic] = partial(_channels, measured, EMG)
        elif bag.topics[topic] == graph.CHANNELS.type:
            keepers[topic] = partial(_channels, measured, "")
        elif bag.topics[topic] in (KEY_EVENT, KEY_MOTION):
            read = decode.key_event if bag.topics[topic] == KEY_EVENT else decode.key_motion
            keepers[topic] = partial(_keys, measured, read)
        else:
            keepers[topic] = partial(_frames, measured)
    return keepers


def _mapped(topics: TopicMap, measured: Measured) -> dict[str, Keep]:
    """Find the topics that a table names."""

    def channels(name: str, convert: Any) -> Keep:
        kept = measured.channels.setdefault(EMG if name == topics.emg else name, [])
        return lambda message, at_ns: kept.append((convert(message, at_ns), at_ns))

    def frames(name: str, convert: Any) -> Keep:
        kept = measured.frames.setdefault(name, [])
        return lambda message, at_ns: kept.append((convert(message, at_ns), at_ns))

    def keys(convert: Any) -> Keep:
        return lambda message, at_ns: measured.keys.append((convert(message, at_ns), at_ns))

    return {
        **{one.topic: channels(name, one.converter(name)) for name, one in topics.channels.items()},
        **{one.topic: frames(name, one.converter(name)) for name, one in topics.views.items()},
        **{one.topic: keys(one.converter(name)) for name, one in topics.keys.items()},
    }


def _channels(measured: Measured, name: str, message: Any, at_ns: int) -> None:
    chunk: ChannelChunk = decode.channel_chunk(message)
    measured.channels.setdefault(name or chunk.name, []).append((chunk, at_ns))


def _keys(measured: Measured, read: Callable[[Any], Any], message: Any, at_ns: int) -> None:
    measured.keys.append((read(message), at_ns))


def _frames(measured: Measured, message: Any, at_ns: int) -> None:
    frame: LandmarkFrame = decode.landmark_frame(message)
    measured.frames.setdefault(frame.view, []).append((frame, at_ns))


@dataclass(frozen=True)
class BagSource:
    """One bag, of which nobody says more than is asked for."""

    path: Path
    rules: TakeRules
    topics: TopicMap | None = None
    namespace: str = ""

    def as_plain(self) -> dict[str, Any]:
        """Tell which bag it is, and how it is read."""
        return {
            "kind": "bag",
            "rules": repr(self.rules),
            "topics": repr(self.topics),
            "namespace": self.namespace,
            **_bag_facts(self.path),
        }

    def take(self) -> Taken:
        """Make its recording."""
        found = recording_of_bag(self.path, self.rules, self.topics, self.namespace)
        with BagReader(self.path) as bag:
            simulated = is_simulated(bag)
            hand = recorded_with.hand(bag.facts, self.namespace or "kpm")
        marks = {HAND: hand, CHANNELS: ", ".join(found.recording.truth.muscles)}
        said = tuple(f"{self.path}: {sentence}" for sentence in found.said)
        return Taken((found.recording,), said, marks, simulated)


@dataclass(frozen=True)
class SessionSource:
    """A session's folder, with the maxima and the tasks of one person."""

    path: Path
    emg: EmgRules
    remove_delays: bool = False

    def as_plain(self) -> dict[str, Any]:
        """Tell which session it is, and how it is read."""
        return {
            "kind": "session",
            "rules": repr((self.emg, self.remove_delays)),
            **file_facts(self.path / SESSION_FILE),
        }

    def take(self) -> Taken:
        """Make a recording of each task that was done."""
        session = Session.read(self.path)
        rules, said = self._normalised(session)
        recordings = []
        for take in session.done:
            if session.step_of(take).kind != "task":
                continue
            try:
                found = recording_of_bag(
                    self.path / take.folder,
                    self._rules(session, take, rules),
                    None,
                    session.namespace,
                )
            except ValueError as error:
                said.append(str(error))
                continue
            recordings.append(found.recording)
            said += [f"{self.path / take.folder}: {sentence}" for sentence in found.said]
        if not recordings:
            said.append(f"{self.path} holds no task that was done")
        marks = {HAND: session.hand, CHANNELS: ", ".join(session.channels)}
        return Taken(tuple(recordings), tuple(said), marks, session.simulated)

    def _rules(self, session: Session, take: Take, emg: EmgRules) -> TakeRules:
        step = session.step_of(take)
        ill = {check.channel: check.said for check in take.checks if check.channel and check.said}
        devices = ", ".join(
            f"{node}: {facts.get('device', '')}" for node, facts in session.devices.items()
        )
        task = step.name
        number = str(step.repetition)
        return TakeRules(
            name=f"{session.person}_{self.path.name}_{task}_{number}",
            person=session.person,
            task=task,
            take=number,
            session=self.path.name,
            notes="; ".join(filter(None, [devices, f"commit {session.commit}"])),
            emg=replace(emg, ill={**emg.ill, **ill}),
            remove_delays=self.remove_delays,
        )

    def _normalised(self, session: Session) -> tuple[EmgRules, list[str]]:
        """Take the session's own maxima, measured anew where another envelope is asked for."""
        if self.emg.mvc is not None:
            return self.emg, []
        words = self.emg.envelope.as_words()
        said: list[str] = []
        maxima = dict(session.maxima)
        resting = session.resting
        if maxima and session.envelope != words:
            maxima, resting = self._measured_anew(session, said), {}
        if not maxima:
            said.append(
                f"{self.path} has no maximum contraction: its effort stays in "
                f"{session.emg_unit or 'the unit of the samples'}"
            )
            return self.emg, said
        mvc = Mvc(session.person, words, session.emg_unit, maxima)
        return replace(self.emg, mvc=mvc, resting=resting), said

    def _measured_anew(self, session: Session, said: list[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for take in session.done:
            muscle = session.step_of(take).muscle
            if not muscle or muscle in take.ill_channels:
                continue
            try:
                measured = read_measured(self.path / take.folder, None, session.namespace)
                chunks = [chunk for chunk, _ in measured.channels.get(EMG, [])]
                level = strongest(chunks, self.emg.envelope, HELD_S).get(muscle, 0.0)
            except (ValueError, BagError, IndexError) as error:
                said.append(f"{self.path / take.folder}: {error}")
                continue
            found[muscle] = max(found.get(muscle, 0.0), level)
        return found


def is_session(path: Path) -> bool:
    """Whether a folder is a session's."""
    return (path / SESSION_FILE).is_file()


def is_bag(path: Path) -> bool:
    """Whether a path is a bag, or one file of it."""
    if path.suffix in (".mcap", ".db3"):
        return True
    return path.is_dir() and any(
        (path / "metadata.yaml").is_file() or list(path.glob(pattern))
        for pattern in ("*.mcap", "*.db3")
    )


def _bag_facts(path: Path) -> dict[str, Any]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {"path": str(path.resolve()), "files": [file_facts(one) for one in files]}


def _about(folder: Path, error: Exception) -> str:
    words = str(error)
    return words if str(folder) in words else f"{folder}: {words}"
