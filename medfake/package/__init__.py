"""What is stored and served: the graph, its card and its scorer."""
