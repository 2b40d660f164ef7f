"""Bounces: reading delivery reports, and matching them to deliveries."""
