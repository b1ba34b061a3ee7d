"""Faults from outside, one file each: what it does, how it is proven, how it is undone and that this is proven.

`injection` is what they have in common, `targets` finds the processes they hit, `schedule` fires them when their
moment has come and writes down each step. An injection that cannot be proven makes its cell inconclusive (CHS-3).
"""
