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

"""Files that somebody else may have made: read within limits, and refused in one sentence.

Whatever opens such a file goes through here. Only regular files are read, never a pipe or a device
that may give bytes for ever; no more is read than the limit of its kind; and whatever goes wrong
while the content is looked through, in our code or in a library's, becomes one sentence.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

KB, MB, GB = 1_000, 1_000_000, 1_000_000_000

SETTINGS_BYTES = 1 * MB
"""Parameters, calibrations, maximum contractions: files that people write."""
LISTING_BYTES = 64 * MB
"""Splits, manifests, scores, a bag's metadata: files that list what there is."""
MIDI_BYTES = 1 * MB
"""Some 165,000 notes, which take 300 MB of memory to read."""
IMAGE_BYTES = 256 * MB
ARRAYS_BYTES = 2 * GB
CSV_BYTES = 4 * GB
PICKLE_BYTES = 4 * GB
MODEL_BYTES = 4 * GB
"""Weights and checkpoints."""


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


def printable_lines(text: str) -> str:
    """Show text of several lines in the same way."""
    return "\n".join(printable(line) for line in text.split("\n"))


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
    return isinstance(missing, ModuleType) or isinstance(error, (NameError, ImportError))


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
        # Room is made for what is asked for, which shall be no more than there is ...
        stated = os.fstat(file.fileno()).st_size
        content = file.read(stated + 1)
        if len(content) > stated:  # ... but files of /proc, for example, state no size
            content += file.read(most + 1 - len(content))
    if len(content) > most:
        raise ForeignFileError(f"{path} has more than the {most / MB:g} MB that are read of it")
    return content


def digest(path: Path | str, most: int) -> str:
    """Give a file's SHA-256, without holding it in memory."""
    sha256 = hashlib.sha256()
    with opened(path, most) as file:
        while part := file.read(1 << 20):
            sha256.update(part)
    return sha256.hexdigest()


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
        raise ForeignFileError(f"{path} is not JSON: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ForeignFileError(f"{path} is not JSON: {error}") from None
    except ValueError as error:  # a number of too many digits, for example
        raise ForeignFileError(f"{path} is not JSON that can be read: {error}") from None


def read_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read NumPy's arrays out of an .npz file, which may hold no more than it has bytes."""
    import numpy as np

    with opened(path, ARRAYS_BYTES) as file, zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > ARRAYS_BYTES:
            raise ForeignFileError(
                f"{path} holds {size / MB:.1f} MB of arrays, but no more than "
                f"{ARRAYS_BYTES / MB:g} MB are read"
            )
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
