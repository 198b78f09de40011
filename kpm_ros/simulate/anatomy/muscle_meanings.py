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

"""What the anatomical hand's muscles are called in anatomy, by their names in the model."""

from __future__ import annotations

from collections.abc import Mapping

_FINGERS = {"2": "index", "3": "middle", "4": "ring", "5": "little"}
_OF_FINGERS = {
    "FDS": "superficial flexor of the fingers",
    "FDP": "deep flexor of the fingers",
    "EDC": "extensor of the fingers",
    "LU_RB": "lumbrical",
}
_ALONE = {
    "ECRL": "long radial extensor of the wrist",
    "ECRB": "short radial extensor of the wrist",
    "ECU": "ulnar extensor of the wrist",
    "FCR": "radial flexor of the wrist",
    "FCU": "ulnar flexor of the wrist",
    "PL": "long palmar muscle",
    "PT": "round pronator",
    "PQ": "square pronator",
    "EDM": "extensor of the little finger",
    "EIP": "extensor of the index finger",
    "EPL": "long extensor of the thumb",
    "EPB": "short extensor of the thumb",
    "FPL": "long flexor of the thumb",
    "APL": "long abductor of the thumb",
    "APB": "short abductor of the thumb",
    "OP": "opponent of the thumb",
    "RI2": "first dorsal interosseous (index finger)",
    "RI3": "second dorsal interosseous (middle finger)",
    "UI_UB3": "third dorsal interosseous (middle finger)",
    "UI_UB4": "fourth dorsal interosseous (ring finger)",
    "UI_UB2": "first palmar interosseous (index finger)",
    "RI4": "second palmar interosseous (ring finger)",
    "RI5": "third palmar interosseous (little finger)",
    "UI_UB5": "abductor of the little finger",
}

MEANINGS: Mapping[str, str] = {
    **_ALONE,
    **{
        f"{stem}{finger}": f"{words} ({name} finger)"
        for stem, words in _OF_FINGERS.items()
        for finger, name in _FINGERS.items()
    },
}


def short_name(muscle: str) -> str:
    """Name a muscle without the model's mark of the side; a left hand's are its mirror image's.

    >>> short_name("FDS2_r")
    'FDS2'
    """
    return muscle.removesuffix("_r")


def meaning(muscle: str) -> str:
    """Say which muscle it is.

    >>> meaning("RI2_r")
    'first dorsal interosseous (index finger)'
    """
    return MEANINGS.get(short_name(muscle), short_name(muscle))
