"""What every address of the API stands on: strict input, problems, pages of results, the schema.

Nothing is imported here: REST framework reads its settings, and with them these modules, while it is imported itself.
"""
