"""Reading lists of people: encodings, delimiters, workbooks, contacts, columns, suggestions."""
