"""What can be wrong with a scenario, one module for each part of a file; `scenario_file` puts them together.

`shape` compares raw data with the records of `scenario`; all others look at what the records say. Each yields
every problem it finds and raises nothing. Nothing is read from disk here.
"""
