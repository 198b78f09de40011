"""Files that somebody else may have made: read within limits, and refused in one sentence.

Whatever opens such a file goes through here. Only regular files are read, never a pipe or a device
that may give bytes for ever; no more is read than the limit of its kind; and whatever goes wrong
while the content is looked through, in our code or in a library's, becomes one sentence.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import yaml

KB, MB, GB = 1_000, 1_000_000, 1_000_000_000

SETTINGS_BYTES = 1 * MB
"""Parameters, calibrations, maximum contractions: files that people write."""
LISTING_BYTES = 64 * MB
"""Splits, manifests, scores, a bag's metadata: files that list what there is."""
MIDI_BYTES = 4 * MB
IMAGE_BYTES = 256 * MB
CSV_BYTES = 4 * GB
PICKLE_BYTES = 4 * GB
MODEL_BYTES = 4 * GB
"""Weights and checkpoints."""

MOST_NODES, MOST_DEPTH = 200_000, 64
"""Values in a YAML file, with everything that its aliases repeat; and how deep they are nested."""
MOST_DIGITS = 100
"""Digits of a number in a YAML file."""


class ForeignFileError(ValueError):
    """A file that cannot be used; the message is one sentence for the user."""

    def __init__(self, sentence: str) -> None:
        """Hold the sentence as a terminal may show it."""
        super().__init__(printable(sentence))


def printable(text: str, most: int = 2000) -> str:
    """Show text that came from a file so that it cannot act on a terminal.

    Control characters are spelt out, and what is too long is cut.
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


@contextmanager
def reading(
    path: Path | str, what: str, refuse: Callable[[str], Exception] = ForeignFileError
) -> Iterator[None]:
    """Turn whatever goes wrong within it into one sentence about the file.

    `what` says what the file should be ("a MIDI file"), `refuse` makes the error from the sentence.
    Only a mistake in the code itself, such as a name that is not defined, stays what it is.
    """
    try:
        yield
    except Exception as error:
        if is_our_mistake(error):
            raise
        if isinstance(refuse, type) and isinstance(error, refuse) and _is_a_sentence(error):
            raise
        # The traceback of a failed allocation would keep alive what has filled the memory.
        cause = None if isinstance(error, MemoryError) else error
        raise refuse(printable(_sentence(path, what, error))) from cause
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of libraries written in Rust
            raise
        raise refuse(printable(_sentence(path, what, error))) from None


def is_our_mistake(error: Exception) -> bool:
    """Whether the code itself is wrong, which no file can cause."""
    missing = error.obj if isinstance(error, AttributeError) else None
    return isinstance(missing, ModuleType) or isinstance(
        error, (NameError, ImportError, NotImplementedError)
    )


def _is_a_sentence(error: Exception) -> bool:
    """Whether an error is one of the package's own, with a message for the user."""
    return type(error).__module__.startswith("kpm_ros.")


def _sentence(path: Path | str, what: str, error: BaseException) -> str:
    if isinstance(error, ForeignFileError):
        return str(error)
    if isinstance(error, OSError):
        return f"{path} cannot be read: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return f"{path} cannot be read as {what}: it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return f"{path} cannot be read as {what}: it is nested too deeply"
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return f"{path} cannot be read as {what}: {printable(reason, 300)}"


@contextmanager
def opened(path: Path | str, most: int) -> Iterator[BinaryIO]:
    """Open a regular file that has no more bytes than this.

    A file that is not there or must not be read is an OSError, any other a ForeignFileError.
    """
    path = Path(path)
    _must_be_regular(path, path.stat())
    # Without waiting: a pipe may have taken its place, which nobody writes to.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        _must_be_regular(path, status)
        if status.st_size > most:
            raise ForeignFileError(
                f"{path} has {status.st_size / MB:.1f} MB, but no more than {most / MB:g} MB are "
                "read of such a file"
            )
        yield file


def _must_be_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise ForeignFileError(f"{path} is a pipe, a socket or a device, and must be a file")


def must_be_file(path: Path | str) -> None:
    """See that a library which opens the file itself will not wait for a pipe or a device."""
    path = Path(path)
    _must_be_regular(path, path.stat())


def read_bytes(path: Path | str, most: int) -> bytes:
    """Read a file whole."""
    with opened(path, most) as file:
        content = file.read(most + 1)
    if len(content) > most:  # of /proc, for example, whose files state no size
        raise ForeignFileError(f"{path} has more than the {most / MB:g} MB that are read of it")
    return content


def read_text(path: Path | str, most: int) -> str:
    """Read a file of text."""
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ForeignFileError(f"{path} is not text (UTF-8)") from None


def read_json(path: Path | str, most: int = LISTING_BYTES) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(read_text(path, most))
    except RecursionError:
        raise ForeignFileError(f"{path} is nested too deeply to be read as JSON") from None
    except json.JSONDecodeError as error:
        raise ForeignFileError(f"{path} is not JSON: {error}") from None
    except ValueError as error:  # a number of too many digits, for example
        raise ForeignFileError(f"{path} is not JSON that can be read: {error}") from None


def read_yaml(path: Path | str, most: int = SETTINGS_BYTES) -> Any:
    """Read a YAML file of plain values."""
    return parse_yaml(read_text(path, most), str(path))


def parse_yaml(text: str, source: str) -> Any:
    """Read YAML of plain values; `source` is what an error calls it.

    Aliases may be used, but what they repeat is counted each time.
    """
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise ForeignFileError(f"{source} is nested too deeply to be read as YAML") from None
    except _TooMuchError as error:
        raise ForeignFileError(f"{source} {error}") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ForeignFileError(f"{source} is not YAML: {printable(reason, 300)}") from None


class _TooMuchError(Exception):
    """YAML beyond the limits."""


class _Loader(yaml.SafeLoader):
    """PyYAML's reader of plain values, with limits."""

    _depth = 0
    _count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count what is read while it is read."""
        self._depth += 1
        self._count += 1
        if self._depth > MOST_DEPTH:
            raise _TooMuchError(f"is nested more than {MOST_DEPTH} deep")
        if self._count > MOST_NODES:
            raise _TooMuchError(f"holds more than {MOST_NODES} values")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        """Count what aliases repeat, which takes no room here, but time of whoever reads it."""
        node = super().get_single_node()
        if node is not None and _expanded(node, {}) > MOST_NODES:
            raise _TooMuchError(f"holds more than {MOST_NODES} values, its aliases resolved")
        return node

    def construct_yaml_int(self, node: Any) -> Any:
        """Refuse a number that takes long to compute and cannot be written."""
        self._must_be_short(node)
        return super().construct_yaml_int(node)

    def construct_yaml_float(self, node: Any) -> Any:
        """Refuse the same: both may be written to the base of 60."""
        self._must_be_short(node)
        return super().construct_yaml_float(node)

    def _must_be_short(self, node: Any) -> None:
        if len(self.construct_scalar(node)) > MOST_DIGITS:
            raise _TooMuchError(f"holds a number of more than {MOST_DIGITS} digits")


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


def _expanded(node: yaml.Node, known: dict[Hashable, int]) -> int:
    """Count the values of a node, each alias as all that it stands for."""
    count = known.get(id(node))
    if count == 0:
        raise _TooMuchError("holds an alias within what it stands for")
    if count is None:
        known[id(node)] = 0
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        count = known[id(node)] = 1 + sum(_expanded(child, known) for child in children)
    return count
