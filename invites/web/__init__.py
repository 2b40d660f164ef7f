"""What pages share: access, page or fragment, forms, labels, errors, headers, limits."""
