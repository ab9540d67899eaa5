"""Wangge: divide a city into grids, walk it, site its service centres."""
