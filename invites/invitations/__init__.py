"""Inviting people: classification, review, staged lists, sending, quotas, unsubscribing."""
