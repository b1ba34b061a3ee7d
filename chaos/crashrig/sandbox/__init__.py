"""What keeps a cell from outliving its run, whoever is killed, and proves afterwards that nothing is left.

`group` is the cell's control group, `sweep` ends what lives, `reaper` is the process that watches over one cell and
survives it; all three use the standard library only, because the reaper has to start fast and stay small.
`launch` is the runner's side.
"""
