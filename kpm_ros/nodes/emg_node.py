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

"""EMG: an amplifier or a recording in, raw samples and envelope out."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import Any

from std_srvs.srv import SetBool

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import ChannelSamples
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.device_settings import EmgSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.node_process import run
from kpm_ros.sense.emg.channel_health import ChannelHealth, HealthConfig
from kpm_ros.sense.emg.emg_brainflow import BrainFlowEmg
from kpm_ros.sense.emg.emg_csv import EmgCsv
from kpm_ros.sense.emg.emg_device import EmgDevice
from kpm_ros.sense.emg.emg_lsl import LslEmg
from kpm_ros.sense.emg.emg_stream import EmgStream
from kpm_ros.sense.emg.envelope import design
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import MvcError
from kpm_ros.sense.emg.personal_envelope import PersonalEnvelope

REPEATED_TOO_OFTEN = 0.01
"""Samples that repeat the one before in all channels were not measured."""


class EmgNode(ManagedNode):
    """Publishes raw EMG and its envelope; connects the amplifier again when it is gone."""

    name = "emg"
    settings_type = EmgSettings
    settings: EmgSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Announce what the amplifier measures, and find out which one."""
        super().__init__(**node_arguments)
        if self.simulated_time and self.settings.source != "csv":
            raise ConfigurationError(
                "emg: use_sim_time is true, but only source csv can follow /clock: an amplifier "
                "measures in the host's time"
            )
        self._raw = self.create_publisher(ChannelSamples, "emg/samples", qos.of("emg/samples"))
        # The envelope travels as the samples do.
        self._smooth = self.create_publisher(ChannelSamples, "emg/envelope", qos.of("emg/samples"))
        self.create_service(SetBool, "~/record_mvc", self._record_mvc)
        self._recording, self._polling = threading.Lock(), threading.Lock()
        self._reported = 0
        self.prepare()

    def make(self) -> None:
        """Find out which amplifier; the first step connects it."""
        self.stream = EmgStream(_device(self.settings), self.settings.stream)
        self.health = ChannelHealth(_health(self.settings))
        self.personal = _personal(self.settings)
        self._said = self.stream.problem

    def configure(self) -> None:
        """Begin to look at the amplifier."""
        self.add_loop(self.settings.period_s, self.step)

    def reconfigure(self, settings: EmgSettings) -> None:
        """Judge and smooth otherwise; filters that change begin anew."""
        personal = self.personal
        if settings.smoothing != self.settings.smoothing or settings.person != personal.person:
            if personal.recording:
                raise ConfigurationError(
                    "emg: the maximum contraction is being recorded: end that first"
                )
            personal = _personal(settings)
            if self.stream.clock is not None:
                self._require_filters(settings.smoothing, self.stream.clock.rate_hz)
        with self._recording:
            self.personal = personal
        self.health.config = _health(settings)
        self.stream.config = settings.stream

    def _require_filters(self, config: EnvelopeConfig, rate_hz: float) -> None:
        try:
            design(config, rate_hz)
        except ValueError as error:
            raise ConfigurationError(f"emg: {error}") from None

    def step(self) -> None:
        """Publish what was measured; a recording begins to play when it can be heard."""
        if self.settings.source == "csv" and not self.active:
            return
        with self._polling:
            chunks = self.stream.poll(self.now_ns())
        for chunk in chunks:
            self._raw.publish(outgoing.channels_message(chunk))
            self.health.push_chunk(chunk)
            if not self.settings.envelope:
                continue
            try:
                with self._recording:
                    smooth = self.personal.push_chunk(chunk)
            except ValueError as error:
                raise ConfigurationError(f"emg: {error}") from None
            self._smooth.publish(outgoing.channels_message(smooth))
        if self.stream.problem != self._said:
            self._say()

    def deactivate(self) -> None:
        """Play a recording no further."""
        if self.settings.source == "csv":
            with self._polling:
                self.stream.close()

    def clean_up(self) -> None:
        """Let the amplifier go."""
        self.stream.close()

    def report(self) -> Report:
        """Whether the amplifier is there, how it keeps time, and how its electrodes are."""
        report = super().report()
        stream = self.stream
        report.hardware = stream.device.name
        report.values |= {
            "device": stream.device.name,
            "state": stream.device.state if stream.connected else stream.problem,
            "samples": stream.samples,
            "not_numbers": stream.not_numbers,
            "connections_lost": stream.breaks,
            "repeated_fraction": self.health.repeated,
        }
        if stream.clock is not None:
            report.values |= {
                "rate_hz": stream.clock.rate_hz,
                "rate_stated_hz": stream.clock.rate_stated_hz,
                "lost": stream.clock.lost,
                "stalls": stream.clock.stalls,
                "longest_stall_s": stream.clock.longest_stall_s,
                "clock_restarts": stream.clock.restarts,
            }
        report.values |= {f"channel {n}": s.value for n, s in self.health.states.items()}
        if self.settings.envelope:
            report.values |= {
                "envelope_delay_s": self.personal.envelope.delay_s,
                "mvc": self.personal.problem or f"that of {self.personal.person}",
                "recording_mvc": self.personal.recording,
            }
        self._judge(report)
        return report

    def _judge(self, report: Report) -> None:
        stream = self.stream
        if not stream.connected:
            report.worsen(Level.ERROR, stream.problem)
        if self.health.ill:
            report.worsen(Level.DEGRADED, self.health.in_words())
        if self.health.repeated > REPEATED_TOO_OFTEN:
            report.worsen(
                Level.DEGRADED,
                f"{self.health.repeated:.0%} of the samples repeat the one before: the amplifier "
                "or its driver fills in what was lost",
            )
        if stream.connected and stream.samples == self._reported:
            report.worsen(Level.DEGRADED, f"no samples: {stream.device.state}")
        self._reported = stream.samples

    def _record_mvc(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        """Start (true) or stop (false) recording the maximum contraction."""
        try:
            if not self.settings.envelope:
                raise MvcError("the envelope is switched off: set the parameter envelope to true")
            with self._recording:
                if request.data:
                    self.personal.start_recording()
                    response.message = (
                        f"recording {self.personal.person}: contract each muscle as hard as "
                        "possible for a second or two, then call this again with false"
                    )
                else:
                    response.message = f"kept in {self.personal.stop_recording()}"
            response.success = True
        except MvcError as error:
            response.success, response.message = False, str(error)
        return response

    def _say(self) -> None:
        self._said = self.stream.problem
        if self._said:
            self.get_logger().warning(self._said)
        elif self.stream.format is not None:
            described = self.stream.format
            self.get_logger().info(
                f"{self.stream.device.name}: {self.stream.device.state}, "
                f"{len(described.channels)} channels at {described.rate_hz:g} Hz as stated"
            )


def _device(settings: EmgSettings) -> EmgDevice:
    channels = tuple(name.strip() for name in settings.channels.split(",") if name.strip())
    if settings.source == "lsl":
        return LslEmg(replace(settings.lsl, channels=channels, unit=settings.unit))
    if settings.source == "brainflow":
        return BrainFlowEmg(
            replace(settings.board, file=settings.file, repeat=settings.repeat, channels=channels)
        )
    if not settings.file:
        raise ConfigurationError("emg: source is csv, but file is empty: name a recording")
    recording = replace(
        settings.recording, path=settings.file, repeat=settings.repeat, channels=channels
    )
    try:
        return EmgCsv(replace(recording, unit=settings.unit or recording.unit))
    except ValueError as error:
        raise ConfigurationError(f"emg: {error}") from None


def _health(settings: EmgSettings) -> HealthConfig:
    return replace(settings.health, mains_hz=settings.smoothing.notch_hz)


def _personal(settings: EmgSettings) -> PersonalEnvelope:
    try:
        return PersonalEnvelope(settings.smoothing, settings.mvc_folder, settings.person)
    except MvcError as error:
        raise ConfigurationError(f"emg: {error}") from None


def main() -> None:
    """Run the node."""
    sys.exit(run(EmgNode))


if __name__ == "__main__":
    main()
