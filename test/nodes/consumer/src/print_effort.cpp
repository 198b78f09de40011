// Prints a sample of effort, to show that the messages can be used from C++.

#include <iostream>

#include "kpm_ros/msg/muscle_effort.hpp"
#include "rosidl_typesupport_cpp/message_type_support.hpp"

int main()
{
  kpm_ros::msg::MuscleEffort sample;
  sample.index = 7;
  sample.effort = {0.25f, 0.5f};
  const auto * support =
    rosidl_typesupport_cpp::get_message_type_support_handle<kpm_ros::msg::MuscleEffort>();
  std::cout << kpm_ros::msg::to_yaml(sample);
  return support == nullptr;
}
