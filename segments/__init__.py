"""Which customers, described by a filter."""
