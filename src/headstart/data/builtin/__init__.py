"""Values of the platforms' built-in types, which are generated."""
