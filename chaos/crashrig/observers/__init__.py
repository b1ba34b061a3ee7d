"""Seeing processes begin and end from outside: kernel events where they can be had, scanning where not.

`kernel` and `scan` produce the same `ProcessEvent`s; `family` makes observations of them by finding out which
process belongs to which start of which agent; `reports` reads what the fake agents say; `in_order` sorts what
arrives by several ways. Nothing here judges, and nothing here asks the supervisor.
"""
