"""Who calls, what they may use, what they used."""
