"""Settings, keys, tokens, addresses, errors and roles. Uses neither tables nor Flask."""
