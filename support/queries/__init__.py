"""Tickets as pages read them."""
