"""Routes: each parses, calls one use case and renders. They know nothing of each other."""
