"""The commands of holdfast, one module each; `cli` loads a module only when its command is used."""
