"""Projects, their keys and members: what every row of the four apps belongs to."""
