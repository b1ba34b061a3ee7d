"""`python -m crashrig` is the command `crashrig`."""

from crashrig.cli import main

main(prog_name="crashrig")
