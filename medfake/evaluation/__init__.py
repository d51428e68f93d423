"""From predictions to figures with intervals, tests, tables, plots and one HTML page."""
