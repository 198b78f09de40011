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

"""Bags and sessions as sources of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kpm_ros.core.session_file import FILE as SESSION_FILE
from kpm_ros.core.session_file import Session, Take
from kpm_ros.learn.importing.emg_truth import EmgRules, strongest
from kpm_ros.learn.importing.measured import EMG, TakeRules
from kpm_ros.learn.importing.source import CHANNELS, HAND, Taken, file_facts
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.bag_recording import read_measured, recording_of_bag
from kpm_ros.replay.topic_map import TopicMap
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import HELD_S, Mvc


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
            simulated = recorded_with.simulated(bag.facts)
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
            emg=without_ill(emg, take),
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
        return by_maxima(self.emg, session, maxima, resting), said

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


def rules_of_take(session: Session, take: Take) -> EmgRules:
    """Say how a session's EMG becomes effort, by the envelope and maxima it was recorded with."""
    rules = EmgRules(envelope=EnvelopeConfig.from_words(session.envelope))
    if session.maxima:
        rules = by_maxima(rules, session, session.maxima, session.resting)
    return without_ill(rules, take)


def by_maxima(
    rules: EmgRules, session: Session, maxima: Mapping[str, float], resting: Mapping[str, float]
) -> EmgRules:
    """Let effort be in fractions of somebody's maxima."""
    words = rules.envelope.as_words()
    mvc = Mvc(session.person, words, session.emg_unit, dict(maxima))
    return replace(rules, mvc=mvc, resting=resting)


def without_ill(rules: EmgRules, take: Take) -> EmgRules:
    """Leave out the channels that were not well in a take."""
    ill = {check.channel: check.said for check in take.checks if check.channel and check.said}
    return replace(rules, ill={**rules.ill, **ill})


def _bag_facts(path: Path) -> dict[str, Any]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {"path": str(path.resolve()), "files": [file_facts(one) for one in files]}
