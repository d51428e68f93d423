"""The `medfake` command: parse and print; the work lives elsewhere."""
