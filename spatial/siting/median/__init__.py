"""Engines of p-median."""
