"""ROS 2: one thin file per node, plus parameters, conversions and diagnostics."""
