"""Graph algorithms on one Kronecker graph, the same for every library."""
