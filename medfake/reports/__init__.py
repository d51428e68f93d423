"""Comparisons as tables, plots and HTML pages, with the papers' figures beside them."""
