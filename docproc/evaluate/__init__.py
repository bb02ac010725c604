"""Measuring: read labelled documents, compare with their labels, and say how good it was and where it failed.

Labels are the rows of `dataset.py`; `score.py` turns one row and one reading into figures; `report.py` prints
them and `html.py` shows the worst places. Never import an engine or the pipeline here except in `cli.py`:
everything else takes a function that reads a path, so that other products are measured by the same rules.
"""
