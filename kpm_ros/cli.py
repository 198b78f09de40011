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

"""`kpm`: one command for everything that a user of the package does."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from kpm_ros import __version__
from kpm_ros.core.signals import interrupts
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.options import spell_out
from kpm_ros.operate.output_readers import flush_output, lost_its_reader

COMMANDS = (
    "up",
    "demo",
    "doctor",
    "calibrate",
    "calibrate_room",
    "session",
    "record_gestures",
    "show_graph",
    "model_info",
    "import_checkpoint",
    "replay",
    "play",
    "simulate",
    "dataset",
    "evaluate",
    "train",
    "train_gestures",
    "adapt",
    "generate",
    "annotate",
    "picture",
    "explore",
    "compare",
    "view",
    "explain",
    "muscles",
    "foresee",
)
"""Modules of `operate/`, each with NAME, PURPOSE, EXAMPLES, add_arguments and run.

They import what is heavy, or wants ROS, only in `run`: `kpm --help` must not wait for it.
"""

USER_ERROR, INTERRUPTED = 2, 130
"""Exit statuses besides those of the commands themselves."""

EPILOG = """\
examples:
  kpm demo                   20 s of the whole pipeline, with a report
  kpm up --help              every option of the pipeline
  kpm doctor                 what is plugged in, and does it work?
  kpm replay out/demo/bag --compare
                             the demo's effort again, without ROS: is it the same?

`kpm COMMAND --help` says more about each command.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; a command's name may be of two words."""

    two_words: frozenset[str] = frozenset()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Take two words that are one command's name together."""
        words = list(sys.argv[1:] if args is None else args)
        if (name := " ".join(words[:2])) in self.two_words:
            words = [name, *words[2:]]
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """End with the sentence."""
        print(f"{self.prog}: {message} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(USER_ERROR)


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Describe every command, and in full the one that the words name."""
    parser = _Parser(
        prog="kpm",
        description="Muscle effort at 2 kHz from cameras: of hands at a piano, and of bodies.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kpm_ros {__version__}")
    parser.two_words = frozenset(module.NAME for module in _modules() if " " in module.NAME)
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for module in _modules():
        command = commands.add_parser(
            module.NAME,
            help=module.PURPOSE,
            description=module.PURPOSE[0].upper() + module.PURPOSE[1:] + ".",
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if module.NAME.split()[0] in words:
            # What others offer may be long to find out, and nobody asks for it.
            module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _modules() -> list[ModuleType]:
    return [importlib.import_module(f"kpm_ros.operate.{name}") for name in COMMANDS]


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    try:
        with interrupts():
            return _run(sys.argv[1:] if words is None else words)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        flush_output()


def _run(words: Sequence[str]) -> int:
    command = ""
    try:
        arguments = build_parser(words).parse_args(spell_out(words))
        command = f" {arguments.command}"
        return int(arguments.run(arguments))
    except UserError as error:
        _complain(f"kpm{command}: {error}")
        return USER_ERROR
    except KeyboardInterrupt:
        _complain(f"kpm{command}: stopped before its end")
        raise
    except OSError as error:
        if not lost_its_reader(error):
            raise
        # Whoever reads no more has had what was wanted: `kpm ... | head` is a way to stop.
        return 0


def _complain(sentence: str) -> None:
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError as error:
        if not lost_its_reader(error):
            raise


if __name__ == "__main__":
    sys.exit(main())
