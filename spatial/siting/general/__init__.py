"""Engines of totals and covers under conditions of every kind."""
