"""Area, barriers, estates and buildings to blocks, adjacency and demand points."""
