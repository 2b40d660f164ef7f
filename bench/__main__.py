"""Runs every benchmark and prints its figures."""

from bench import costs, delivery, list_of_50000, pressing_send, reading, relays

if __name__ == "__main__":
    list_of_50000.main()
    print()
    reading.main()
    print()
    pressing_send.main()
    print()
    delivery.main()
    print()
    relays.main()
    print()
    costs.main()
