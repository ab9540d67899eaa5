"""A believable district made from a seed, with its known truth."""
