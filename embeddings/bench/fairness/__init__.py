"""Whether tenants that ask for much leave the others what is theirs, end to end."""
