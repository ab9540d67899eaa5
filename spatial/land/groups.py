"""How many elderly people and children live at each demand point?"""

GROUPS = ("elderly", "children")
"""Optional counts of people that estates and buildings may bring along."""
