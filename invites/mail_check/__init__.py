"""For the Mail page: test mails, and the DNS records of the sender's domain."""
