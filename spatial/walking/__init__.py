"""Ways and gates to a walk network, travel times, isochrones and coverage."""
