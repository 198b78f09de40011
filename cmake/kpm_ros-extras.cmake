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
