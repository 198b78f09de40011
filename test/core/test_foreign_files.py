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

"""Files that somebody else made: what is no file, too large, too deep or damaged ends in words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core import foreign_files as foreign
from kpm_ros.core.foreign_files import ForeignFileError, reading
from kpm_ros.core.foreign_yaml import parse_yaml


def test_a_pipe_a_socket_and_a_device_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    for name in ("pipe", "link", "socket", "/dev/zero"):
        with pytest.raises(ForeignFileError, match="is a pipe, a socket or a device"):
            foreign.read_bytes(tmp_path / name, 100)
    listener.close()


def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(101))
    with pytest.raises(ForeignFileError, match="no more than"):
        foreign.read_bytes(path, 100)
    assert len(foreign.read_bytes(path, 101)) == 101
    with pytest.raises(ForeignFileError, match="more than"):
        foreign.read_bytes("/proc/cpuinfo", 10)


def test_a_file_that_states_no_size_is_read_whole() -> None:
    whole = foreign.read_bytes("/proc/self/environ", foreign.SETTINGS_BYTES)
    assert whole == Path("/proc/self/environ").read_bytes()


BILLION_LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BILLION_LAUGHS, "its aliases resolved"),
        ("a: &a [*a]", "within what it stands for"),
        ("[" * 100_000, "nested more than 64 deep"),
        ("- " * 100_000, "nested more than 64 deep"),
        ("a: " + "9" * 5000, "more than 100 digits"),
        ("a: " + "1:" * 5000 + "1", "more than 100 digits"),
        ("a: " + "1:" * 5000 + "1.5", "more than 100 digits"),
        ("a: 0x" + "f" * 40, "more than 64 bits"),
        ("a: [", "is not YAML"),
        ("a: !!python/object/apply:os.getcwd []", "is not YAML"),
        ("a: 2001-99-99", "is not YAML"),
        ("? [a]\n: b", "is not YAML"),
        ("a: \x07", "is not YAML"),
    ],
)
def test_yaml_beyond_the_limits_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ForeignFileError, match=said) as refusal:
        parse_yaml(text, "file.yaml")
    assert str(refusal.value).startswith("file.yaml ")
    assert str(refusal.value).isprintable()


def test_aliases_that_repeat_little_are_read() -> None:
    assert parse_yaml("a: &a {x: 1.5}\nb: *a\nc: {<<: *a, y: 10}", "file") == {
        "a": {"x": 1.5},
        "b": {"x": 1.5},
        "c": {"x": 1.5, "y": 10},
    }


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "9" * 5000, "\udcff"])
def test_json_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ForeignFileError, match=r"file\.json is not"):
        foreign.read_json(path)


def test_arrays_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(1_000_000))
    assert path.stat().st_size < 100_000
    assert len(foreign.read_arrays(path)["a"]) == 1_000_000
    monkeypatch.setattr(foreign, "ARRAYS_BYTES", 1_000_000)
    with pytest.raises(ForeignFileError, match="MB of arrays"):
        foreign.read_arrays(path)


class OwnError(Exception):
    """A room's own."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("name"), "cannot be read as a thing: 'name'"),
        (MemoryError(), "asks for more memory than there is"),
        (RecursionError(), "nested too deeply"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (TypeError("a\nb\x1b[2J"), r"a b\\x1b\[2J"),
        (ForeignFileError("it is cut"), "it is cut"),
    ],
)
def test_whatever_goes_wrong_in_a_file_becomes_one_sentence(error: Exception, said: str) -> None:
    with pytest.raises(OwnError, match=said) as refusal, reading("file", "a thing", OwnError):
        raise error
    assert str(refusal.value).isprintable()


def test_mistakes_in_the_code_stay_what_they_are() -> None:
    with pytest.raises(NameError), reading("file", "a thing"):
        undefined  # type: ignore[name-defined] # noqa: B018, F821
    with pytest.raises(AttributeError), reading("file", "a thing"):
        os.no_such_function  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(KeyboardInterrupt), reading("file", "a thing"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Übung 3, größer", "Übung 3, größer"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\u202eb\u200b\x9b", r"a\u202eb\u200b\x9b"),
        ("two\nlines", r"two\nlines"),
        ("\udcff", r"\udcff"),
    ],
)
def test_text_of_a_file_cannot_act_on_a_terminal(text: str, shown: str) -> None:
    assert foreign.printable(text) == shown
    assert foreign.printable(text).isprintable()


def test_long_text_is_cut() -> None:
    assert len(foreign.printable("a" * 10_000)) < 2100
