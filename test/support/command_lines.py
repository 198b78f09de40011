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

"""Looks at the command lines that pages show: whether each is one of the project's."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from kpm_ros import cli, pipeline_topics
from kpm_ros.core.settings import declared
from kpm_ros.nodes.node_settings import KINDS, NODES
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.options import spell_out
from kpm_ros.pipeline_options import OPTIONS, PipelineOptions
from support.pages import FOLDERS, ROOT, Page


@dataclass(frozen=True)
class Command:
    """One command line; `whole` where it stands alone, and is not a phrase in a sentence."""

    line: str
    whole: bool


def commands(page: Page) -> Iterator[Command]:
    """Every command line of a page that is the project's own or ROS's."""
    for line in page.shell.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|;", line.partition(" #")[0]):
            if _starter(part.strip()):
                yield Command(part.strip(), whole=True)
    for code in page.inline:
        if _starter(code) and "\n" not in code:
            yield Command(code, whole=False)


def _starter(line: str) -> Callable[[list[str], bool], str | None] | None:
    without_variables = re.sub(r"^([A-Z_]+=\S* )+", "", line)
    first = without_variables.partition(" ")[0]
    return CHECKS.get(first) if " " in without_variables else None


def complaint(command: Command) -> str | None:
    """What is wrong with a command line, in words; None if nothing is."""
    words = shlex.split(command.line)
    variables = [w for w in words if re.match(r"[A-Z_]+=", w)]
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    check = CHECKS[words[0]]
    said = check(words[1:], command.whole)
    if said is None and words[0] == "make":
        said = next(filter(None, map(_make_variable, variables)), None)
    return said or next(filter(None, map(_missing_file, words[1:])), None)


def _missing_file(word: str) -> str | None:
    """A file of the project that is named and not there."""
    name = word.rpartition("=")[2].partition(" ")[0].rstrip(".,")
    if re.match(rf"({FOLDERS})/", name) and not list(ROOT.glob(name)):
        return f"there is no {name}"
    return None


def _kpm(words: list[str], whole: bool) -> str | None:
    words = [word for word in words if word != "..."]
    parser = cli.build_parser(words[:1])
    said = io.StringIO()
    try:
        spelled = spell_out(words)
        if whole:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                arguments = parser.parse_args(spelled)
            given = {
                name.removeprefix("option_"): value
                for name, value in vars(arguments).items()
                if name.startswith("option_") and value is not None
            }
            PipelineOptions.from_strings(given)
            return _model(given.get("model") or getattr(arguments, "model", None), words[0])
        return _known_options(parser, spelled)
    except SystemExit as end:
        return said.getvalue() if end.code else None
    except (UserError, ValueError) as error:
        return str(error)


def _known_options(parser: object, words: list[str]) -> str | None:
    """Sub-command and options of a phrase that need not be a whole command line."""
    choices = parser._subparsers._group_actions[0].choices  # type: ignore[attr-defined]
    first, *rest = words
    if first.startswith("-") or first.isupper():
        return None
    if first not in choices:
        return f"no command {first}"
    known = choices[first]._option_string_actions
    options = [word.partition("=")[0] for word in rest if word.startswith("--")]
    gone = [option for option in options if option not in known]
    return f"no option {', '.join(gone)}" if gone else None


def _model(name: object, command: str) -> str | None:
    if command not in ("up", "demo", "info") or not isinstance(name, str):
        return None
    if name.endswith(".safetensors") or (ROOT / f"config/models/{name}.safetensors").is_file():
        return None
    return None if name.isupper() else f"no model {name}"


def _make(words: list[str], whole: bool) -> str | None:
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    gone = [word for word in words if "=" not in word and word not in targets]
    return f"no target {', '.join(gone)}" if gone else None


def _make_variable(word: str) -> str | None:
    name, _, value = word.partition("=")
    text = (ROOT / "Makefile").read_text("utf-8")
    if name != "PYTHON" and not re.search(rf"^{name} \?=", text, re.MULTILINE):
        return f"no variable {name}"
    if name == "BENCH" and not (ROOT / "bench" / f"{value}.py").is_file():
        return f"no benchmark {value}"
    return None


def _tools_env(words: list[str], whole: bool) -> str | None:
    if words[0] not in ("setup", "run", "check"):
        return f"tools/env has no {words[0]}"
    check = CHECKS.get(words[1]) if words[0] == "run" and len(words) > 1 else None
    return check(words[2:], whole) if check else None


def _python(words: list[str], whole: bool) -> str | None:
    if words[0] == "-m" and words[1].startswith("kpm_ros"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(words[1]) is not None:
                return None
        return f"there is no module {words[1]}"
    return None


def _pip(words: list[str], whole: bool) -> str | None:
    extras = set(re.findall(r'^    "(\w+)": \[', (ROOT / "setup.py").read_text(), re.MULTILINE))
    named = re.findall(r"\[(\w+)\]", " ".join(words))
    gone = [extra for extra in named if extra not in extras | {"all"}]
    return f"no extra {', '.join(gone)}" if gone else None


@cache
def _parameters() -> dict[str, set[str]]:
    """Names of each node's parameters."""
    return {name: set(declared(kind)) for name, kind in {**KINDS, **NODES}.items()}


def _ros2(words: list[str], whole: bool) -> str | None:
    verb, *rest = words
    if verb == "launch" and rest[:1] == ["kpm_ros"]:
        return _launch(rest[1:])
    if verb == "run" and rest[:1] == ["kpm_ros"]:
        return _run(rest[1:])
    named = [word for word in rest if word.startswith("/kpm/")]
    if verb in ("topic", "service", "param", "lifecycle"):
        gone = [name for name in named if not _is_served(name.removeprefix("/kpm/"))]
        return f"nobody has {', '.join(gone)}" if gone else None
    return None


def _launch(words: list[str]) -> str | None:
    launch = ROOT / "launch" / words[0]
    if not launch.is_file():
        return f"there is no launch file {words[0]}"
    options = {option.name for option in OPTIONS}
    options |= set(re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', launch.read_text("utf-8")))
    gone = [w for w in words[1:] if ":=" in w and w.partition(":=")[0] not in options]
    return f"{words[0]} has no {', '.join(gone)}" if gone else None


def _run(words: list[str]) -> str | None:
    kind = words[0]
    if not (ROOT / "kpm_ros" / "nodes" / f"{kind}_node.py").is_file():
        return f"there is no node {kind}"
    known = set().union(*(v for k, v in _parameters().items() if k.startswith(kind)))
    given = [w.partition(":=")[0] for flag, w in itertools.pairwise(words) if flag == "-p"]
    gone = [name for name in given if name not in known and not name.startswith("qos_overrides")]
    return f"{kind} has no parameter {', '.join(gone)}" if gone else None


def _is_served(name: str) -> bool:
    """Whether a topic, a node, or a node's service has this name."""
    with contextlib.suppress(KeyError):
        return bool(pipeline_topics.topic(name))
    node, _, service = name.partition("/")
    own = ROOT / "kpm_ros" / "nodes" / f"{node}_node.py"
    if not service or not own.is_file():
        return not service and (own.is_file() or node in _parameters())
    # What it offers itself, or what it is a kind of.
    of = re.findall(r"^from kpm_ros\.nodes\.(\w+) import", own.read_text("utf-8"), re.MULTILINE)
    sources = [own, *(own.with_name(f"{module}.py") for module in of)]
    return any(f'"~/{service}"' in source.read_text("utf-8") for source in sources)


CHECKS: dict[str, Callable[[list[str], bool], str | None]] = {
    "kpm": _kpm,
    "make": _make,
    "tools/env": _tools_env,
    "python": _python,
    "python3": _python,
    "pip": _pip,
    "pytest": lambda words, whole: None,
    "ros2": _ros2,
}
"""What is looked at, by the first word of a line."""
