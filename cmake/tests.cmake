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

# What `colcon test` runs: the Python tests, one entry for each folder of them, and ROS 2's linters
# over our own files (this folder may hold a build, an installation and a virtual environment).

if(KPM_ROS_ONLY STREQUAL "")
  find_package(ament_cmake_pytest REQUIRED)
  file(GLOB tests CONFIGURE_DEPENDS
    RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}/test"
    "${CMAKE_CURRENT_SOURCE_DIR}/test/*/test_*.py"
    "${CMAKE_CURRENT_SOURCE_DIR}/test/*/*/test_*.py"
    "${CMAKE_CURRENT_SOURCE_DIR}/test/test_*.py")
  list(TRANSFORM tests REPLACE "/.*" "")
  list(REMOVE_DUPLICATES tests)
  foreach(test IN LISTS tests)
    string(REGEX REPLACE "\\.py$" "" name "${test}")
    ament_add_pytest_test(${name} "test/${test}"
      TIMEOUT 1800
      ENV OMP_NUM_THREADS=1
      WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  endforeach()
endif()

find_package(ament_cmake_copyright QUIET)
if(ament_cmake_copyright_FOUND)
  ament_copyright(CONTRIBUTING.md LICENSE bench cmake config kpm_ros launch test tools)
endif()
find_package(ament_cmake_lint_cmake QUIET)
if(ament_cmake_lint_cmake_FOUND)
  ament_lint_cmake(CMakeLists.txt cmake)
endif()
find_package(ament_cmake_xmllint QUIET)
if(ament_cmake_xmllint_FOUND)
  ament_xmllint(package.xml)
endif()
