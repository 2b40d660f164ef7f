"""Reads lists of people: encodings, delimiters, workbooks, contacts, columns, suggestions."""
