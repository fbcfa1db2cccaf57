"""Exports: any kind of row as a CSV file, written by the worker and downloaded with a token."""
