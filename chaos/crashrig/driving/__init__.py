"""From what was asked for to a run with an exit code: cells, their processes, the runner (`ARCHITECTURE.md`)."""
