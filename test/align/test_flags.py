from __future__ import annotations

import re
from pathlib import Path

from kpm_ros.align.flags import Flag, describe


def test_flags_are_named_in_words() -> None:
    assert describe(0) == "ok"
    assert describe(Flag.POSE_LOST | Flag.INVALID) == "pose lost, invalid"


def test_the_numbers_are_those_of_the_message() -> None:
    text = (Path(__file__).parents[2] / "msg" / "MuscleEffort.msg").read_text()
    in_message = {name: int(value) for name, value in re.findall(r"^uint8 (\w+)=(\d+)", text, re.M)}
    assert in_message == {flag.name: flag.value for flag in Flag}
