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

"""What a camera says of its optics beside each picture, and how a calibration is set."""

from __future__ import annotations

from sensor_msgs.msg import CameraInfo
from sensor_msgs.srv import SetCameraInfo
from std_msgs.msg import Header

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.registered_cameras import fill_info
from kpm_ros.nodes.registrations import read_registration
from kpm_ros.sense.camera.camera_calibration import (
    Calibration,
    CalibrationError,
    local_path,
    read_calibration,
    write_calibration,
)


class CameraInfos:
    """A view's camera_info: of a calibration file, else of its registration, else "not calibrated".

    The service `set_camera_info` beside the images, which ROS's calibrator calls, puts a new
    calibration into the file and into use.
    """

    def __init__(self, node: PipelineNode, view: str, file: str, registration: str = "") -> None:
        """Read the file, which need not be there before the camera is calibrated.

        Where there is none, the lens is that with which the camera was registered.
        """
        registered = read_registration(registration)
        self._camera = registered.cameras.get(view) if registered else None
        self._node = node
        self._view = view
        self._file = file
        self._calibration: Calibration | None = None
        self._size = (0, 0)
        path = local_path(file)
        if file and not path.parent.is_dir():
            raise ConfigurationError(
                f"{node.get_name()}: calibration is {file!r}, but there is no folder {path.parent}"
            )
        if file and path.exists():
            try:
                self._calibration = read_calibration(file)
            except CalibrationError as error:
                raise ConfigurationError(f"{node.get_name()}: {error}") from None
        node.create_service(SetCameraInfo, f"camera/{view}/set_camera_info", self._on_set)

    def message(self, header: Header, size: tuple[int, int]) -> CameraInfo:
        """What goes with a picture of this width and height: k of zeros means not calibrated."""
        self._size = size
        info = CameraInfo(header=header, width=size[0], height=size[1])
        found = self._calibration
        if found is not None and (found.width, found.height) == size:
            info.distortion_model = found.distortion_model
            info.d, info.k, info.r, info.p = found.d, found.k, found.r, found.p
        elif found is None and self._camera is not None:
            fill_info(info, self._camera.camera)
        return info

    def report(self, report: Report) -> None:
        """Add whether the camera is calibrated, and say what is wrong with that."""
        found, size = self._calibration, self._size
        fits = found is not None and size in ((0, 0), (found.width, found.height))
        report.values["calibrated"] = fits
        report.values["registered"] = self._camera is not None
        if self._file and found is None:
            report.worsen(
                Level.DEGRADED,
                f"the calibration file {self._file} is not there: the camera is not calibrated "
                "until set_camera_info is called",
            )
        elif found is not None and not fits:
            report.worsen(
                Level.DEGRADED,
                f"the calibration is for {found.width}x{found.height}, but pictures are "
                f"{size[0]}x{size[1]}: the camera counts as not calibrated",
            )

    def _on_set(
        self, request: SetCameraInfo.Request, response: SetCameraInfo.Response
    ) -> SetCameraInfo.Response:
        try:
            response.status_message = self._set(request.camera_info)
            response.success = True
            self._node.get_logger().info(response.status_message)
        except (CalibrationError, OSError) as error:
            response.status_message = f"the calibration was refused: {error}"
            response.success = False
            self._node.get_logger().warning(response.status_message)
        return response

    def _set(self, info: CameraInfo) -> str:
        """Check a calibration, store it, and use it from the next picture on."""
        if not self._file:
            raise CalibrationError(
                "there is no file to keep it in: set the parameter calibration to a file's path"
            )
        if max(info.binning_x, info.binning_y) > 1 or info.roi.width or info.roi.height:
            raise CalibrationError("binning or a region is set, but it must be of whole pictures")
        found = calibration_of(info)
        if self._size not in ((0, 0), (found.width, found.height)):
            raise CalibrationError(
                f"it is for pictures of {found.width}x{found.height}, but this camera gives "
                f"{self._size[0]}x{self._size[1]}"
            )
        write_calibration(self._file, found, f"camera_{self._view}")
        self._calibration = found
        return f"the calibration is in use, and kept in {local_path(self._file)}"


def calibration_of(info: CameraInfo) -> Calibration:
    """Read a camera_info; a CalibrationError says why it is no calibration."""
    return Calibration(
        info.width,
        info.height,
        info.distortion_model,
        tuple(info.d),
        *(tuple(float(value) for value in values) for values in (info.k, info.r, info.p)),
    )
