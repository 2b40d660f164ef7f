"""Runs every benchmark and prints its figures."""

from bench import (
    classifying_50000,
    costs,
    delivery,
    importing,
    list_of_50000,
    pressing_send,
    reading,
    relays,
    same_time,
)

if __name__ == "__main__":
    list_of_50000.main()
    print()
    reading.main()
    print()
    classifying_50000.main()
    print()
    importing.main()
    print()
    pressing_send.main()
    print()
    delivery.main()
    print()
    relays.main()
    print()
    costs.main()
    print()
    same_time.main()
