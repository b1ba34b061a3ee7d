"""Scenarios in virtual time: simulated agents under holdfast's own core, seen as real ones are seen.

`run.simulate` is the way in. Below it, each knowing only what stands before it: `clock` (virtual time), `process`
and `kernel` (trees, signals), `heartbeat_file`, `body` (what fake agents run on), `watch`, `driver` and
`supervisor` (what holdfast has around its core), `faults` (injections). Nothing here reads a clock, a file or a
random source that is not seeded: a history is a function of scenario and seed.
"""
