"""The commands of crashrig, one module each; a module's click command is called `command`."""
