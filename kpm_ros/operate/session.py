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

"""`kpm session`: a recording session with one person, step by step."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.operate.options import add_pipeline_options, given_options
from kpm_ros.operate.up import hold_namespace

if TYPE_CHECKING:
    from kpm_ros.core.session_file import Session
    from kpm_ros.operate.process import Line
    from kpm_ros.operate.session_protocol import Protocol

NAME = "session"
PURPOSE = "lead a person through a recording session: checks, rest, maxima, tasks"
EXAMPLES = """\
examples:
  kpm session out/P07 --person P07 --cameras 0,2 --emg-device lsl:Delsys
  kpm session out/P07                              go on with it, after a crash or a break
  kpm session out/G01 --person G01 --protocol emg_grip --emg-device brainflow:2
  kpm session out/S01 --simulate                   a simulated person and simulated devices

It writes DIR/session.json, a bag for each take in DIR/takes, and what the nodes said in
DIR/session.log. While it runs, space pauses and goes on, and s leaves a step out. The same prompts
are on the topic session/prompt.

exit status: 0 all is recorded, 1 it had to end before (it says why), 2 it was refused,
130 stopped by Ctrl-C; after 1 and 130 the same command goes on
"""

LOG = "session.log"
SIMULATED_PERSON = "S01"
STOPPED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the session's own options and the pipeline's."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="the session's folder: a new one, or one to go on"
    )
    parser.add_argument(
        "--person", default="", metavar="CODE", help="whose session it is: a code such as P07"
    )
    parser.add_argument(
        "--protocol",
        default="",
        metavar="NAME|FILE",
        help="what is asked for: piano (the default), emg_grip, or a .yaml file of your own",
    )
    parser.add_argument(
        "--simulate",
        action="store_true",
        help=f"a simulated person, {SIMULATED_PERSON} unless named, with simulated devices",
    )
    add_pipeline_options(parser, without=("record", "exo", "drive", "gesture", "autostart"))


def run(arguments: argparse.Namespace) -> int:
    """Begin a session or go on with it, and lead through it."""
    from kpm_ros.core.session_file import FILE
    from kpm_ros.operate import preflight, session_setup

    folder = arguments.folder.expanduser()
    given = session_setup.with_whole_paths(given_options(arguments))
    if arguments.simulate:
        given["source"] = "simulator"
        # Nothing of it is meant for other machines.
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with user_errors():
        if (folder / FILE).exists():
            if arguments.protocol:
                raise UserError(f"{folder} has its protocol already: leave --protocol out")
            session = session_setup.resume(folder, arguments.person, given)
        else:
            person = arguments.person or (SIMULATED_PERSON if arguments.simulate else "")
            if not person:
                raise UserError(
                    f"{folder} holds no session yet: say whose it is with --person CODE"
                )
            preflight.require_ros()
            preflight.check(session_setup.options_of(given))
            session = session_setup.begin(folder, person, arguments.protocol or "piano", given)
    preflight.require_ros()
    return _lead(session, folder)


def _lead(session: Session, folder: Path) -> int:
    """Run the session that was begun or resumed."""
    from kpm_ros.core.lock import hold
    from kpm_ros.core.signals import StopRequested, StopRequests
    from kpm_ros.operate import session_setup
    from kpm_ros.operate.output_readers import nobody_reads
    from kpm_ros.operate.session_protocol import read_protocol
    from kpm_ros.operate.session_room import Room
    from kpm_ros.operate.session_run import SessionRun
    from kpm_ros.operate.session_screen import Keyboard, Screen
    from kpm_ros.operate.session_stage import SessionEnded, Stage

    with ExitStack() as stack:
        with user_errors():
            options = session_setup.options_of(session.options)
            protocol = read_protocol(folder / session_setup.PROTOCOL_FILE)
            nodes = session_setup.needed_nodes(options, protocol, session.person)
            stack.enter_context(hold(f"the session {folder.resolve()}"))
            log = stack.enter_context((folder / LOG).open("ab"))
        stack.enter_context(hold_namespace(options))
        stop = stack.enter_context(StopRequests())

        def check_stop() -> None:
            stop.check()
            if nobody_reads():
                raise StopRequested

        screen = stack.enter_context(Screen())
        for finding in session_setup.device_findings(options, protocol):
            mend = f" ({finding.mend})" if finding.mend else ""
            screen.say(f"{finding.area}, {finding.name}: {finding.said}{mend}")
        keyboard = stack.enter_context(Keyboard())
        watch = session_setup.watch_for(options, protocol)
        room = stack.enter_context(Room(options, nodes, watch, lambda line: _log(log, line)))
        stage = Stage(session.person, room, screen, keyboard.pressed, check_stop)
        lead = SessionRun(session, folder, protocol, stage)
        status, why = 0, ""
        try:
            with user_errors():
                lead.run()
        except (SessionEnded, UserError) as end:
            status, why = 1, str(end)
        except StopRequested:
            status, why = STOPPED, "stopped"
    _keep_maxima(lead.session, folder)
    _tell(lead.session, folder, protocol, why)
    return status


def _log(file: IO[bytes], line: Line) -> None:
    file.write(f"{line.at:%H:%M:%S.%f} {line.name} {line.text}\n".encode())
    file.flush()


def _keep_maxima(session: Session, folder: Path) -> None:
    """Keep the maxima as the emg node reads them, once each channel has one."""
    from kpm_ros.sense.emg.mvc import Mvc, MvcFolder

    maxima = session.maxima
    if session.channels and set(maxima) >= set(session.channels):
        with user_errors():
            MvcFolder(folder / "mvc").save(
                Mvc(session.person, session.envelope, session.emg_unit, maxima)
            )


def _tell(session: Session, folder: Path, protocol: Protocol, why: str) -> None:
    """Say what the session came to."""
    states = Counter(take.state for take in session.takes)
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    simulated = "simulated " if session.simulated else ""
    print(f"{simulated}session of {session.person}: {words or 'no take'}, in {folder}")
    for channel in dict.fromkeys(name for take in session.done for name in take.ill_channels):
        count = sum(channel in take.ill_channels for take in session.done)
        print(f"EMG channel {channel} was not well in {count} of {len(session.done)} takes")
    without = [name for name in session.channels if name not in session.maxima]
    if without and any(step.muscle for step in session.steps) and session.complete:
        print(f"no maximum contraction of {', '.join(without)}")
    if why:
        print(f"kpm session: {why}", file=sys.stderr)
    if not session.complete:
        print(f"kpm session {folder}   goes on with the next take", file=sys.stderr)
