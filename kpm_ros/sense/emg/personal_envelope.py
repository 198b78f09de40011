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

"""One person's envelope: a fraction of that person's strongest contraction, once it is recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from kpm_ros.sense.emg.envelope import Envelope
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import Mvc, MvcError, MvcFolder, MvcRecorder
from kpm_ros.sense.samples import ChannelChunk

MVC_UNIT = "fraction of MVC"


class PersonalEnvelope:
    """Makes the envelope, normalises it where it can, and records what it is normalised by.

    Without maxima that fit, the envelope keeps the unit of the samples and `problem` says why.
    """

    def __init__(self, config: EnvelopeConfig, folder: str | Path, person: str) -> None:
        """Load the person's maxima, if there are any; an impossible name is an MvcError."""
        self.envelope = Envelope(config)
        self.person = person
        self.problem = ""
        self._settings = config.as_words()
        self._folder = MvcFolder(folder)
        self._folder.path(person)
        self._recorder: MvcRecorder | None = None
        self._mvc: Mvc | None = None
        try:
            self._mvc = self._folder.load(person)
        except MvcError as error:
            self.problem = str(error)
        else:
            if self._mvc is None:
                self.problem = f"no maximum contraction of {person} is recorded yet"

    @property
    def recording(self) -> bool:
        """Whether the maximum contraction is being recorded."""
        return self._recorder is not None

    def push_chunk(self, chunk: ChannelChunk) -> ChannelChunk:
        """Envelope of the next chunk."""
        smooth = self.envelope.push_chunk(chunk)
        if self._recorder is not None:
            self._recorder.push_chunk(smooth)
        if self._mvc is None:
            return smooth
        try:
            most = self._mvc.of(chunk.channels, self._settings, chunk.unit)
        except MvcError as error:
            self.problem, self._mvc = str(error), None
            return smooth
        samples = (smooth.samples / most).astype(np.float32)
        return replace(smooth, unit=MVC_UNIT, samples=samples)

    def start_recording(self) -> None:
        """Watch for the strongest contraction from now on."""
        if self._recorder is not None:
            raise MvcError("the maximum contraction is being recorded already")
        self._recorder = MvcRecorder()

    def stop_recording(self) -> Path:
        """Keep what was recorded, and use it from now on; an MvcError says why it cannot be."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            raise MvcError("no recording of the maximum contraction has been started")
        mvc = recorder.finish(self.person, self._settings)
        path = self._folder.save(mvc)
        self._mvc, self.problem = mvc, ""
        return path
