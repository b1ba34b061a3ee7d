"""Seeing processes begin and end from outside: kernel events where they can be had, scanning where not.

`kernel` and `scan` produce the same `ProcessEvent`s; `family` makes observations of them by finding out which
process belongs to which start of which agent; `choice` finds out which of the two this machine allows. What fake
agents say is read by `agents.reports`. Nothing here judges, and nothing here asks the supervisor.
"""
