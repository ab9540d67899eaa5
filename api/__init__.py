"""HTTP: plans as feeds and a map page; parses, calls ``spatial``, answers."""
