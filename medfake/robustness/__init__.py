"""What a slice may go through between scanner and detector: noise, compression, windowing, resampling, smoothing."""
