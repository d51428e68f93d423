"""One vector of features a slice, and recurrent units over neighbouring slices."""
