"""Reading lists, from files that are made for each run."""
