"""Blocks, adjacency and a profile to an assignment of blocks to grids."""
