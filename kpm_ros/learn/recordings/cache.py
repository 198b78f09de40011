"""Arrays made from other files, kept so that they can be mapped into memory instead of read.

A kept array is used while the files that it was made from have the sizes and times they had then,
or at least the same content; otherwise it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.whole_files import whole_file, write_whole

FORMAT = 1
"""Goes up whenever the same files would give other arrays."""

Array = NDArray[np.float32]


class Source(NamedTuple):
    """What one file was when it was read."""

    size: int
    time_ns: int
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
        known = _sources_then(about_file, variant, len(sources))
        if known is not None and _unchanged(known, sources):
            array = _mapped(array_file)
            if array is not None:
                return Kept(array, tuple(source.digest for source in known))
        present = [_source_now(path) for path in sources]
        made = np.ascontiguousarray(make(), dtype=np.float32)
        about = {"format": FORMAT, "variant": variant, "sources": present}
        # The description goes first and comes last: an array without one is made anew.
        about_file.unlink(missing_ok=True)
        with whole_file(array_file) as file:
            np.save(file, made, allow_pickle=False)
        write_whole(about_file, json.dumps(about).encode())
        array = _mapped(array_file)
        if array is None:
            raise OSError(f"{array_file} cannot be read back: see to the disk")
        return Kept(array, tuple(source.digest for source in present))


def _sources_then(about_file: Path, variant: str, count: int) -> list[Source] | None:
    """What an array was made from; None if it is of no use."""
    try:
        about = json.loads(about_file.read_bytes())
        sources = [Source(*entry) for entry in about["sources"]]
        fits = about["format"] == FORMAT and about["variant"] == variant
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return sources if fits and len(sources) == count else None


def _unchanged(known: Sequence[Source], sources: Sequence[Path]) -> bool:
    """Whether files are what they were: by size and time, else by content."""
    for then, path in zip(known, sources, strict=True):
        status = path.stat()
        if status.st_size != then.size:
            return False
        if status.st_mtime_ns != then.time_ns and _source_now(path).digest != then.digest:
            return False
    return True


def _source_now(path: Path) -> Source:
    status = path.stat()
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return Source(status.st_size, status.st_mtime_ns, digest.hexdigest())


def _mapped(path: Path) -> Array | None:
    """Map an array of two dimensions; None if the file is not whole."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.dtype == np.float32 and array.ndim == 2 else None


def usable_folder(preferred: Path, name: str) -> Path:
    """Give the preferred folder if it can be written to, or one of the user's own."""
    try:
        preferred.mkdir(parents=True, exist_ok=True)
        if os.access(preferred, os.W_OK):
            return preferred
    except OSError:
        pass
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return base / "kpm_ros" / "releases" / name
