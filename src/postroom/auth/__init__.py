"""Who calls: passwords, sessions, limits on guessing. Knows the store and nothing of protocols."""
