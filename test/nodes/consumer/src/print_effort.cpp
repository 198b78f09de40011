// Copyright 2026 The kpm_ros authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

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
