"""Scenarios in virtual time: simulated agents under holdfast's own core, seen as real ones are seen.

`simulate` is the way in. Below it, each knowing only what stands before it: `clock` (virtual time), `kernel`
(processes, trees, signals), `heartbeat_file` and `body` (what fake agents run on), `supervisor` (drives the core
as the real loop does), `faults` (injections). Nothing here reads a clock, a file or a random source that is not
seeded: a history is a function of scenario and seed.
"""
