"""Test logins, test emails, and the DNS records of the sender's domain."""
