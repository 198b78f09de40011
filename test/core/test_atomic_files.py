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

import os
import stat
from pathlib import Path

import pytest

from kpm_ros.core.atomic_files import atomic_file, write_atomically, write_output


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def _umask_027():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_takes_its_place_only_when_it_is_complete(tmp_path, durable):
    path = tmp_path / "folder" / "below" / "file"
    with atomic_file(path, durable=durable) as file:
        file.write(b"all")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"all"
    assert list(path.parent.iterdir()) == [path]


def test_what_was_there_stays_where_filling_fails(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b"half of")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_two_who_fill_one_file_do_not_mix(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first:
        first.write(b"the first, which ends last")
        write_atomically(path, b"the second")
        assert path.read_bytes() == b"the second"
    assert path.read_bytes() == b"the first, which ends last"


@pytest.mark.usefixtures("_umask_027")
def test_a_new_file_is_open_to_those_whom_umask_and_mode_let(tmp_path):
    write_atomically(tmp_path / "usual", b"")
    with atomic_file(tmp_path / "private", mode=0o600):
        pass
    assert permissions(tmp_path / "usual") == 0o640
    assert permissions(tmp_path / "private") == 0o600


def test_a_file_in_place_of_another_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o464)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert permissions(path) == 0o464


def test_what_a_user_asked_for_is_written_through_a_link_and_into_a_pipe(tmp_path):
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.touch()
    link.symlink_to(target)
    write_output(link, b"through the link")
    assert link.is_symlink()
    assert target.read_bytes() == b"through the link"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_output(pipe, b"into the pipe")
    assert os.read(reading, 100) == b"into the pipe"
    os.close(reading)
