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

"""EMG from any board that BrainFlow knows, its synthetic and playback boards included."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.emg.emg_device import EmgBlock, EmgDevice, EmgFormat, name_channels

SYNTHETIC_BOARD, STREAMING_BOARD, PLAYBACK_BOARD = -1, -2, -3
_INSTALL = "the library brainflow is missing: install it with: pip install 'kpm_ros[devices]'"
_ADVICE = {
    "UNABLE_TO_OPEN_PORT_ERROR": "the port does not open: is the dongle plugged in, is the port's "
    "name right, are you in the group 'dialout'",
    "BOARD_NOT_READY_ERROR": "the board does not answer: is it switched on and near",
    "ANOTHER_BOARD_IS_CREATED_ERROR": "another program holds the board",
    "INVALID_ARGUMENTS_ERROR": "a parameter of the board is missing or wrong",
    "UNSUPPORTED_BOARD_ERROR": "BrainFlow has no board of this id",
    "UNABLE_TO_CLOSE_PORT_ERROR": "the port does not close",
}
_RING_S = 45
"""How much BrainFlow remembers for a reader that is held up."""


@dataclass(frozen=True)
class BrainFlowConfig(CheckedSettings):
    """Which board, and where it is."""

    board_id: int = setting(SYNTHETIC_BOARD, "BrainFlow: the board's number", least=-3, most=10000)
    serial_port: str = setting("", "BrainFlow: such as /dev/ttyUSB0")
    mac_address: str = setting("", "BrainFlow: the board's Bluetooth address")
    ip_address: str = setting("", "BrainFlow: the board's address on the network")
    ip_port: int = setting(0, "BrainFlow: the board's port on the network", least=0, most=65535)
    serial_number: str = setting("", "BrainFlow: the board's serial number")
    other_info: str = setting("", "BrainFlow: what else the board wants to be told")
    master_board: int = setting(
        SYNTHETIC_BOARD,
        "BrainFlow: board that made the recording or that streams",
        least=-3,
        most=10000,
    )
    file: str = ""
    """Recording that the playback board plays."""
    repeat: bool = False
    """Whether the playback board begins again at the end."""
    channels: tuple[str, ...] = ()


class BrainFlowEmg(EmgDevice):
    """Reads one board.

    The session is released on disconnect, when the object goes, and before the interpreter ends:
    BrainFlow's threads must not outlive it.
    """

    def __init__(self, config: BrainFlowConfig) -> None:
        """Note which board; `connect` opens it."""
        self.name = f"the BrainFlow board {config.board_id}"
        self.falls_silent = config.board_id == PLAYBACK_BOARD and not config.repeat
        self._config = config
        self._board: Any = None
        self._release: Callable[[], Any] | None = None

    def connect(self) -> EmgFormat:
        """Open the board and have it stream."""
        self.disconnect()
        shim, failure = _library()
        try:
            described = self._describe(shim)
            board = shim.BoardShim(self._config.board_id, self._parameters(shim))
            board.prepare_session()
            self._release = weakref.finalize(self, _release, board, failure)
            if self._config.repeat and self._config.board_id == PLAYBACK_BOARD:
                board.config_board("loopback_true")
            board.start_stream(round(_RING_S * described.rate_hz))
        except failure as error:
            self.disconnect()
            raise DeviceError(f"{self.name}: {_in_words(error)}") from None
        self._board, self._failure = board, failure
        return described

    def disconnect(self) -> None:
        """End the session."""
        self._board = None
        if self._release is not None:
            self._release()
            self._release = None

    def read(self, now_ns: int) -> EmgBlock | None:
        """Samples that have come."""
        if self._board is None:
            raise DeviceError(f"{self.name} is not connected")
        try:
            rows = self._board.get_board_data()
        except self._failure as error:
            raise DeviceError(f"{self.name} cannot be read: {_in_words(error)}") from None
        if not rows.shape[1]:
            return None
        counter = None
        if self._counter is not None:
            counter = np.nan_to_num(rows[self._counter]).astype(np.int64)
        return EmgBlock(
            np.ascontiguousarray(rows[self._rows].T, np.float32),
            np.rint(rows[self._times] * NS_PER_S).astype(np.int64),
            counter,
        )

    def _describe(self, shim: Any) -> EmgFormat:
        config = self._config
        of = config.board_id
        if of in (PLAYBACK_BOARD, STREAMING_BOARD):
            of = config.master_board
        about = shim.BoardShim.get_board_descr(of)
        self.name = f"the BrainFlow board {config.board_id} ({about.get('name', 'unnamed')})"
        self._rows = about.get("emg_channels") or shim.BoardShim.get_exg_channels(of)
        self._times = about["timestamp_channel"]
        self._counter = about.get("package_num_channel")
        try:
            names = name_channels(config.channels, len(self._rows), self.name)
        except ValueError as error:
            raise DeviceError(str(error)) from None
        return EmgFormat(names, "uV", float(about["sampling_rate"]))

    def _parameters(self, shim: Any) -> Any:
        parameters = shim.BrainFlowInputParams()
        for name in ("serial_port", "mac_address", "ip_address", "ip_port", "serial_number"):
            setattr(parameters, name, getattr(self._config, name))
        parameters.other_info = self._config.other_info
        parameters.file = self._config.file
        parameters.timeout = 5
        if self._config.board_id in (PLAYBACK_BOARD, STREAMING_BOARD):
            parameters.master_board = self._config.master_board
        return parameters


def _release(board: Any, failure: type[Exception]) -> None:
    for end in (board.stop_stream, board.release_session):
        try:
            end()
        except failure:
            continue


def _in_words(error: Any) -> str:
    """A BrainFlow error as advice, or in its own words."""
    from brainflow.exit_codes import BrainFlowExitCodes

    try:
        code = BrainFlowExitCodes(error.exit_code).name
    except (AttributeError, ValueError):
        return str(error)
    return _ADVICE.get(code, code.lower().replace("_", " "))


def _library() -> tuple[Any, type[Exception]]:
    try:
        from brainflow import board_shim
        from brainflow.exit_codes import BrainFlowError
    except ImportError:
        raise DeviceError(_INSTALL) from None
    # Its own account of every error would come beside ours.
    board_shim.BoardShim.disable_board_logger()
    return board_shim, BrainFlowError
