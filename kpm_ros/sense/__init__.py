"""Devices to stamped samples: cameras with hand tracking, piano keys, EMG."""
