# For building against ROS 2 wheels in a virtual environment; a ROS 2 installation needs none of it.
# Pass it as -DCMAKE_PROJECT_kpm_ros_INCLUDE=<this file>.
#
# The wheels' Python targets name the include folders of the machine that built them, and ours would
# name the ones of a virtual environment that lies in the source folder: CMake refuses both. They
# get this machine's, once all packages are found and before CMake checks them; ours keeps them to
# itself.

function(use_local_python_headers)
  find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
  set(headers ${Python3_INCLUDE_DIRS} ${Python3_NumPy_INCLUDE_DIRS})
  get_property(found DIRECTORY PROPERTY IMPORTED_TARGETS)
  get_property(built DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS found built)
    if(target MATCHES "__rosidl_generator_py$")
      set_target_properties(${target} PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${headers}>")
    endif()
  endforeach()
endfunction()

cmake_language(DEFER CALL use_local_python_headers)
