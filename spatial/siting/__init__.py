"""Travel times, demand and candidates to chosen sites."""
