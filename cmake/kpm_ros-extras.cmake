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

# Read by whoever finds this package, and when it is built.
#
# The Python targets of ROS 2's wheels name include folders of the machine that made the wheels.
# CMake refuses a target that is linked to one of these; folders that do not exist are left out, at
# the end of the folder, when all packages have been found. A ROS 2 installation has none of them.

function(kpm_ros_leave_out_missing_folders)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    if(target MATCHES "__rosidl_generator_py$")
      get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
      if(folders)
        foreach(folder IN LISTS folders)
          if(IS_ABSOLUTE "${folder}" AND NOT EXISTS "${folder}")
            list(REMOVE_ITEM folders "${folder}")
          endif()
        endforeach()
        set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${folders}")
      endif()
    endif()
  endforeach()
endfunction()

if(NOT CMAKE_VERSION VERSION_LESS 3.21)
  cmake_language(DEFER CALL kpm_ros_leave_out_missing_folders)
endif()
