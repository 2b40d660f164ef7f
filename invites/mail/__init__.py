"""Mail: what it says (rendering), what it is made of (message), how it goes out (smtp)."""
