"""Lists as people have them, made anew for each run of the tests."""
