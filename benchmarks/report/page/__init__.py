"""The HTML page of a record: one file, nothing fetched."""
