"""Sending mail over SMTP: the worker, its connections, the test mail and the domain check."""
