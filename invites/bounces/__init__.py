"""Reads bounces (delivery reports), and matches them to deliveries."""
