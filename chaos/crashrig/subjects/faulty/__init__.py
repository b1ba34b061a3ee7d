"""Two supervisors with deliberate faults, so that the suite can show that it notices (CHS-7).

They are small and otherwise fair, written as somebody writes them down in an evening; each fault is marked
`FAULT` in the source with the promise that it breaks. Never use them for anything else.
"""
