"""The frozen Plan, its checks, metrics and codes."""
