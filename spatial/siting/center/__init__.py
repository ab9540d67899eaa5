"""Engines of p-center."""
