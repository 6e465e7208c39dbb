"""Full-text search without an engine: how text becomes terms, for the index and for queries alike. Pure."""
