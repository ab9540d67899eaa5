"""Engines of sites with limited room."""
