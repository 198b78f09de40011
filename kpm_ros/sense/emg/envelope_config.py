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

"""What each step of the envelope does; to be had without the filters, which take long to load."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class EnvelopeConfig(CheckedSettings):
    """What each step does; a frequency of 0 leaves a step out."""

    low_hz: float = setting(
        20.0, "envelope: lowest frequency passed; 0 = all", least=0.0, most=1e3, live=True
    )
    """Slow drift and the skin's movement lie below."""
    high_hz: float = setting(
        450.0, "envelope: highest frequency passed; 0 = all", least=0.0, most=1e4, live=True
    )
    """Only noise lies above."""
    band_order: int = setting(
        4, "envelope: order of the band's filters", least=1, most=8, live=True
    )
    notch_hz: float = setting(
        50.0, "frequency of the mains; 0 = no notch", least=0.0, most=400.0, live=True
    )
    notch_q: float = setting(
        30.0, "envelope: narrowness of the notch", least=1.0, most=100.0, live=True
    )
    notch_harmonics: int = setting(
        3, "envelope: multiples of the mains removed", least=1, most=20, live=True
    )
    """The first of them included."""
    smooth_hz: float = setting(
        6.0, "envelope: it follows no faster movement", least=0.1, most=100.0, live=True
    )
    smooth_order: int = setting(2, "envelope: order of the smoothing", least=1, most=8, live=True)

    def as_words(self) -> str:
        """Write all settings in one line, to compare with another's."""
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items())

    @classmethod
    def from_words(cls, words: str) -> EnvelopeConfig:
        """Read such a line; a ValueError says what is wrong with it.

        >>> usual = EnvelopeConfig()
        >>> EnvelopeConfig.from_words(usual.as_words()) == usual
        True
        """
        usual = cls()
        told = dict(part.rsplit(" ", 1) for part in words.split(", ")) if words else {}
        try:
            return replace(
                usual, **{name: type(getattr(usual, name))(float(v)) for name, v in told.items()}
            )
        except (AttributeError, ValueError) as error:
            raise ValueError(f"{words!r} are no settings of an envelope: {error}") from None
