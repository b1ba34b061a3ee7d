"""crashrig: proves what a supervisor does when agents crash, hang, fork and linger, judged from outside.

Importing this package must stay free: fake agents do it at every start.
"""

__version__ = "0.1.0"
