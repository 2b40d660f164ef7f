"""What all pages share: who asks, page or fragment, words, errors, headers, limits."""
