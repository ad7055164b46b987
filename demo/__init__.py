"""The demo program CDNOW: real orders, told as the story of a program that has run for eighteen months.

It stands above every floor, as its story crosses them all, and does everything through their services.
"""
