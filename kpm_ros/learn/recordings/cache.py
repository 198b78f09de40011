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

"""Arrays made from other files, kept so that they can be mapped into memory instead of read.

A kept array is used while the files that it was made from have the sizes and times they had then,
or at least the same content, and while it is itself the file that was written then; otherwise it is
made anew. Its time of change (ctime) tells: that is set by the system and by nobody else, so an
array that was edited, or came with a data set from elsewhere, is not believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file, write_atomically
from kpm_ros.core.foreign_files import (
    LISTING_BYTES,
    PICKLE_BYTES,
    ForeignFileError,
    digest,
    must_be_file,
    read_json,
    read_text,
)
from kpm_ros.core.resources import user_cache

_LARGEST_ARRAY = 1 << 42
FORMAT = 2
"""Goes up whenever the same files would give other arrays."""

Array = NDArray[np.float32]


class Version(NamedTuple):
    """A file's size and times, by which a change is seen without reading it."""

    size: int
    modified_ns: int
    changed_ns: int


class Source(NamedTuple):
    """What one file was when it was read."""

    version: Version
    digest: str


class Kept(NamedTuple):
    """An array mapped into memory, and what it was made from."""

    array: Array
    digests: tuple[str, ...]


class ArrayCache:
    """A folder of arrays."""

    def __init__(self, folder: Path) -> None:
        """Note the folder; it is made with the first array."""
        self.folder = folder

    def get(
        self, name: str, sources: Sequence[Path], make: Callable[[], Array], variant: str = ""
    ) -> Kept:
        """Give the array of this name, made anew if need be.

        Whatever else `make` depends on is to be told by `variant`.
        """
        array_file = self.folder / f"{name}.npy"
        about_file = self.folder / f"{name}.json"
        self._must_lead_here(array_file)
        known = _sources_then(array_file, about_file, variant, len(sources))
        present = _unless_changed(known, sources)
        if known is not None and present is not None:
            array = _mapped(array_file)
            if array is not None:
                if present != known:
                    _write_about(array_file, about_file, variant, present)
                return Kept(array, tuple(source.digest for source in present))
        present = [Source(_version(path), digest(path, PICKLE_BYTES)) for path in sources]
        made = np.ascontiguousarray(make(), dtype=np.float32)
        # The description goes first and comes last: an array without one is made anew.
        about_file.unlink(missing_ok=True)
        with atomic_file(array_file) as file:
            np.save(file, made, allow_pickle=False)
        _write_about(array_file, about_file, variant, present)
        array = _mapped(array_file)
        if array is None:
            raise OSError(f"{array_file} cannot be read back: see to the disk")
        return Kept(array, tuple(source.digest for source in present))

    def _must_lead_here(self, array_file: Path) -> None:
        """Refuse to write through links within the folder."""
        for folder in array_file.parents:
            if folder == self.folder:
                return
            if folder.is_symlink():
                raise ForeignFileError(
                    f"{folder} is a link, through which no arrays are written: remove it"
                )


class DigestCache:
    """Digests of a folder's files, kept where the user's caches are; made anew where files change.

    Not in the folder itself, which may come from anybody with whatever digests it likes.
    """

    def __init__(self, root: Path) -> None:
        """Read what was kept of a folder."""
        place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        self._root = root
        self._path = user_cache() / "digests" / f"{place}.jsonl"
        self._known: dict[str, Source] = {}
        with suppress(OSError, ForeignFileError):
            for line in read_text(self._path, LISTING_BYTES).splitlines():
                with suppress(ValueError, TypeError):  # one that was cut off, for example
                    name, version, kept = json.loads(line)
                    self._known[name] = Source(Version(*version), str(kept))

    def get(self, path: Path) -> str:
        """Give a file's digest, read if it is not the file that it was."""
        name, now = str(path.relative_to(self._root)), _version(path)
        known = self._known.get(name)
        if known is None or known.version != now:
            known = self._known[name] = Source(now, digest(path, _LARGEST_ARRAY))
            with suppress(OSError):  # without a cache, everything is read each time
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([name, *known]) + "\n")
        return known.digest


def _sources_then(
    array_file: Path, about_file: Path, variant: str, count: int
) -> list[Source] | None:
    """What an array was made from; None if it is not there as it was written."""
    try:
        about = read_json(about_file)
        sources = [Source(Version(*version), kept) for version, kept in about["sources"]]
        array = Version(*about["array"])
        fits = about["format"] == FORMAT and about["variant"] == variant
        status = array_file.lstat()
        fits &= stat.S_ISREG(status.st_mode) and _version(array_file) == array
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return sources if fits and len(sources) == count else None


def _unless_changed(known: Sequence[Source] | None, sources: Sequence[Path]) -> list[Source] | None:
    """Give files as they are now if they are what they were, by size and times or by content."""
    if known is None:
        return None
    present = []
    for then, path in zip(known, sources, strict=True):
        now = _version(path)
        if now.size != then.version.size or (
            now != then.version and digest(path, PICKLE_BYTES) != then.digest
        ):
            return None
        present.append(Source(now, then.digest))
    return present


def _write_about(
    array_file: Path, about_file: Path, variant: str, sources: Sequence[Source]
) -> None:
    about = {
        "format": FORMAT,
        "variant": variant,
        "array": _version(array_file),
        "sources": sources,
    }
    write_atomically(about_file, json.dumps(about).encode())


def _version(path: Path) -> Version:
    status = path.stat()
    return Version(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _mapped(path: Path) -> Array | None:
    """Map an array of two dimensions; None if the file is not whole."""
    try:
        must_be_file(path)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.dtype == np.float32 and array.ndim == 2 else None


def usable_folder(preferred: Path, name: str) -> Path:
    """Give the preferred folder if it can be written to and is no link, or one of the user's."""
    try:
        if preferred.is_symlink():
            raise NotADirectoryError
        preferred.mkdir(parents=True, exist_ok=True)
        if os.access(preferred, os.W_OK):
            return preferred
    except OSError:
        pass
    return user_cache() / "releases" / name
