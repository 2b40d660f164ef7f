"""What pages share: access, responses, forms, labels, errors, headers, rate limits."""
