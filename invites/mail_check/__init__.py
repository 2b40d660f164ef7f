"""For the Mail page: test emails, and the DNS records of the sender's domain."""
