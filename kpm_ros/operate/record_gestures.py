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

"""`kpm record-gestures`: a session that asks for gestures, again and again, with rest between."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from kpm_ros.operate import session
from kpm_ros.operate.errors import UserError, user_errors

NAME = "record-gestures"
PURPOSE = "record a person's gestures, to train a model on them"
PROTOCOL = "gestures"
EXAMPLES = """\
examples:
  kpm record-gestures out/G07 --person P07 --emg-device lsl:Armband --gestures fist,open,pinch
  kpm record-gestures out/G07                        go on with it, after a crash or a break
  kpm record-gestures out/G01 --simulate             a simulated person with simulated electrodes

It is a session like those of `kpm session`, of the protocol config/sessions/gestures.yaml: each
execution is a bag, named by its gesture. Then: kpm train-gestures out/G07 --out g07.safetensors

exit status: as of `kpm session`
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer what is asked for, and the session's own options."""
    parser.add_argument(
        "--gestures",
        default="",
        metavar="NAME,...",
        help="which gestures are asked for (default: those of the protocol)",
    )
    parser.add_argument(
        "--repetitions", type=int, metavar="N", help="how often each (default: 4, at least 3)"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="how long each is held (default: 4)"
    )
    parser.add_argument(
        "--signals",
        default="emg",
        metavar="emg,...",
        help="what must be there: emg, landmarks, effort (which takes cameras and keys), or "
        "several (default: %(default)s)",
    )
    session.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the protocol that is meant, unless the session has one, and lead through it."""
    from kpm_ros.core.session_file import FILE

    changes = arguments.gestures or arguments.repetitions or arguments.seconds
    if (arguments.folder.expanduser() / FILE).exists():
        if changes:
            raise UserError(
                f"{arguments.folder} has its gestures already: leave --gestures, --repetitions and "
                "--seconds out"
            )
        return session.run(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{PROTOCOL}.yaml"
        with user_errors():
            path.write_text(json.dumps(_protocol(arguments)))
        arguments.protocol = str(path)
        return session.run(arguments)


def _protocol(arguments: argparse.Namespace) -> dict[str, object]:
    """Give the protocol with the gestures that were asked for, as its file has it."""
    from kpm_ros.act.gestures.rules import NO_GESTURE
    from kpm_ros.core.settings import ConfigurationError, check_choice, check_number
    from kpm_ros.learn.gestures.executions import FEWEST
    from kpm_ros.operate.session_protocol import Ask, protocol_path, read_protocol

    usual = read_protocol(protocol_path(arguments.protocol or PROTOCOL))
    needs: dict[str, tuple[str, ...]] = {
        "emg": ("emg",),
        "landmarks": ("cameras",),
        "effort": ("cameras", "keys"),
    }
    signals = [check_choice("--signals", each, tuple(needs)) for each in _words(arguments.signals)]
    rests = [ask for ask in usual.steps if ask.kind == "rest"]
    tasks = [ask for ask in usual.steps if ask.kind == "task"]
    if not rests or not tasks:
        raise ConfigurationError(f"the protocol {usual.name} must ask for a rest and for tasks")
    names = _words(arguments.gestures)
    if NO_GESTURE in names or len(set(names)) < len(names):
        raise ConfigurationError(
            f"--gestures is {arguments.gestures!r}, but must be different names, none of them "
            f"{NO_GESTURE}"
        )
    if names:
        known = {ask.task: ask for ask in tasks}
        words = "Make the gesture {}, and hold it."
        other = tasks[0]
        tasks = [
            known.get(name) or replace(other, task=name, prompt=words.format(name))
            for name in names
        ]

    def changed(ask: Ask) -> Ask:
        repeat = arguments.repetitions or ask.repeat
        check_number("--repetitions", repeat, least=FEWEST, most=100)
        return replace(ask, repeat=repeat, seconds=arguments.seconds or ask.seconds)

    meant = replace(
        usual,
        steps=tuple(changed(ask) for ask in (*rests, *tasks)),
        needs=tuple(dict.fromkeys(need for each in signals for need in needs[each])),  # type: ignore[misc]
    )
    return asdict(meant)


def _words(listed: str) -> list[str]:
    return [word.strip() for word in listed.split(",") if word.strip()]
