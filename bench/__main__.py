"""Runs every benchmark and prints its figures."""

from bench import list_of_50000

if __name__ == "__main__":
    list_of_50000.main()
