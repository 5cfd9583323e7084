"""Implementations of the port: live (and sim, which is live with other addresses), cassette, facts bundle."""
