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

"""Files that are there whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def atomic_file(path: Path, *, mode: int = 0o666, durable: bool = False) -> Iterator[BinaryIO]:
    """Give a file to fill; once that is done it stands in place of what was there.

    Until then, and if filling it fails, what was there stays. A file that replaces another may be
    read and written by the same people as that one, a new one by those whom `mode` and the umask
    let. A durable file is on the disk before its name is, so that no power cut leaves it empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(FileNotFoundError):
                temporary.chmod(path.stat().st_mode)
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file in place of what was there; whoever looks sees all of it or nothing."""
    with atomic_file(path, durable=durable) as file:
        file.write(content)


def write_output(path: Path, content: bytes) -> None:
    """Write what a user asked for: likewise, but through a link, and into a pipe or terminal."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        write_atomically(path.resolve(), content)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure of matplotlib, in the format that the path's ending names, likewise."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110, format=path.suffix.lstrip(".") or "png")
    write_output(path, drawn.getvalue())
