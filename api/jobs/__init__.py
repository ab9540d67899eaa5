"""Long work: asked for over HTTP, done by processes of its own, watched while it runs, stopped for real."""
