"""What needs neither tables nor Flask: settings, keys, tokens, addresses, errors, roles."""
