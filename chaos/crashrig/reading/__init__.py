"""Scenario files: found, read, checked and explained."""
