"""What families of detectors share while they train: phases, state, calibration, hardware."""
