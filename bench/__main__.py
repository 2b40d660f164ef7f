"""Runs every benchmark and prints its figures."""

from bench import (
    costs,
    delivery,
    importing,
    judging_50000,
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
    judging_50000.main()
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
