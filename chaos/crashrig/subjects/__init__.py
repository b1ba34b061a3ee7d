"""The supervisors under test: one adapter each, behind the small protocol of `protocol`."""
