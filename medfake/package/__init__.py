"""What is stored and served: the graph, how it is exported, its card and its scorer."""
