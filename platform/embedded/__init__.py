"""Services that one command brings along: PostgreSQL from a wheel, supervised."""
