"""Fake agents: programs that behave badly on purpose, and what the rig needs to write their plans and read them.

A behaviour is a list of steps; each verb of a step is one module in `behaviours/` with one program, `act`. The
program runs on a `Body` (`body`): on `real_body` as a process of its own, on the simulation's as a simulated
one, so that the two sides cannot drift.

Modules that run inside a fake agent (`run`, `real_body`, `body`, `plan_file`, `beat_text`, `chance`, `behaviours`)
import only what starts fast from the standard library: no `json`, `signal`, `re`, `typing`, which together take
longer than the interpreter itself. `plan` and `reports` belong to the rig's side.
"""
