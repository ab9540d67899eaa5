"""Engines of maximal cover and set cover."""
