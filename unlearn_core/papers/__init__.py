"""The papers' tables, their recipes, and their experiments made again."""
