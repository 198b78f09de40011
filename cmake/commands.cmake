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

# One command per module: its main() is what the command runs.

function(install_command name module destination)
  configure_file(cmake/executable.in "${CMAKE_CURRENT_BINARY_DIR}/commands/${name}" @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
      GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/commands/${name}" DESTINATION ${destination})
endfunction()

file(GLOB nodes CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/kpm_ros/nodes/*_node.py")
foreach(node IN LISTS nodes)
  get_filename_component(module "${node}" NAME_WE)
  string(REGEX REPLACE "_node$" "" name "${module}")
  install_command(${name} kpm_ros.nodes.${module} lib/${PROJECT_NAME})
endforeach()
install_command(kpm kpm_ros.cli bin)
install_command(kpm kpm_ros.cli lib/${PROJECT_NAME})
