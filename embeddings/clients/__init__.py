"""Clients of this platform; nothing is imported here, and none needs the server's."""
