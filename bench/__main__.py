"""Runs every benchmark and prints its figures."""

from bench import delivery, list_of_50000

if __name__ == "__main__":
    list_of_50000.main()
    print()
    delivery.main()
