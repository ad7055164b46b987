"""Telegram: the company's bots, and its own accounts connected to them by Telegram Business."""
