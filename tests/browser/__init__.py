"""The product as people meet it: real processes, a real mail server, a real Chromium."""
