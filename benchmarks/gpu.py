"""Steps of representative networks on JAX against what the device attains: its fastest product and its fastest copy.

In a process of its own, as JAX and TensorFlow share none. Without a GPU the same is measured on the CPU, smaller.
"""

import os
import subprocess
import sys


def main() -> None:
    """Print slices a second, TFLOP/s and the share of the bound of each network, precision and direction."""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-m", "benchmarks.roofline"], env=environment, check=True)
