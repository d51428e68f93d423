"""Sections of the report, a file each; `registry.section` adds one."""
