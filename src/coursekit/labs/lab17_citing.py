"""What lab 17 asks of a citation: a BibTeX entry that says what the title page says, and who did what."""

import re
from typing import Any

from coursekit.feedback import Student, TryAgain, diagnose, refuse

__all__ = ["judge_citing"]

Record = dict[str, Any]


def _book(title: str, publisher: str, year: int, *people: tuple[str, str, str]) -> Record:
    return {"title": title, "people": list(people), "publisher": publisher, "year": year}


RECORDS = [
    _book(
        "Evolutionary Computation in Bioinformatics",
        "Morgan Kaufmann",
        2003,
        ("Fogel", "Gary B.", "editor"),
        ("Corne", "David W.", "editor"),
    ),
    _book("Evolutionary Computation: A Unified Approach", "MIT Press", 2006, ("De Jong", "Kenneth A.", "author")),
    _book(
        "Wings & Weights",  # this one and those below were never printed
        "Dodo & Sons",
        1999,
        ("Rhea", "Emu", "foreword"),
        ("Moa", "Ada", "author"),
        ("Kea", "Bo C.", "author"),
        ("Auk", "Cy", "author"),
    ),
    _book(
        "Letters of a Finch",
        "Beagle Press",
        1859,
        ("Weka", "Dan", "translator"),
        ("Kiwi", "Eve", "editor"),
        ("Kagu", "Flo", "author"),
    ),
    _book(
        "Feathers",
        "Dodo & Sons",
        2021,
        ("Van der Tui", "Gus", "editor"),
        ("Takahe", "Hal J.", "editor"),
        ("Hoatzin", "Ivy", "illustrator"),
        ("Shrike", "Jo", "editor"),
    ),
]


def _key(record: Record) -> str:
    family = (_who(record, "author") or _who(record, "editor"))[0][0]
    return f"{family.lower().replace(' ', '')}{record['year']}"


def _who(record: Record, role: str) -> list[tuple[str, str]]:
    return [(family, given) for family, given, own in record["people"] if own == role]


def _names(people: list[tuple[str, str]]) -> str:
    return " and ".join(f"{family}, {given}" for family, given in people)


def _value(text: str, start: int) -> tuple[str, int]:
    """A field's value, from its first character, and where it ends; TryAgain if it doesn't."""
    if text[start] not in '{"':
        found = re.compile(r"[\w.-]+").match(text, start)
        if not found:
            raise TryAgain(
                f"a value should stand in braces, like title = {{...}}; yours begins with {text[start : start + 12]!r}."
            )
        return found[0], found.end()
    depth, quoted = 0, text[start] == '"'
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        closes = text[place] == '"' and place > start if quoted else depth == 0
        if closes and depth == 0:
            return text[start + 1 : place], place + 1
    raise TryAgain(
        f"the value that begins with `{' '.join(text[start : start + 20].split())}` doesn't end: the braces or "
        "quotation marks from there on don't come in pairs."
    )


def _entry(text: Any) -> tuple[str, str, dict[str, str]]:
    """Kind, key and fields of a BibTeX entry; TryAgain if the text is none."""
    refuse(not isinstance(text, str), f"return a text, not a value of type {type(text).__name__}: the entry itself.")
    head = re.match(r"\s*@\s*(\w+)\s*\{\s*([^,={}]*?)\s*,", text)
    if head is None:
        raise TryAgain(
            "an entry begins with its kind, an opening brace, its key and a comma, as in `@book{fogel2003,`; yours "
            f"begins with `{' '.join(text[:30].split())}`.",
        )
    fields: dict[str, str] = {}
    place, field = head.end(), re.compile(r"\s*(\w+)\s*=\s*")
    while found := field.match(text, place):
        refuse(found.end() == len(text), f"the field {found[1]} has no value.")
        refuse(found[1].lower() in fields, f"the field {found[1].lower()} stands there twice.")
        value, place = _value(text, found.end())
        whole = re.fullmatch(r"\{([^{}]*)\}", value)  # {{Title}} keeps its capitals
        fields[found[1].lower()] = " ".join((whole[1] if whole else value).split())
        comma = re.compile(r"\s*,").match(text, place)
        if comma is None:
            break
        place = comma.end()
    rest = text[place:].strip()
    there = f"there stands `{rest[:40]}`" if rest else "the text ends there"
    refuse(not fields, f"after the key no field can be read: a field is `name = {{value}},`, and {there}.")
    refuse(
        not rest,
        f"a closing brace is missing: the text ends after the field {list(fields)[-1]}. Every {{ needs its }}, and the "
        "entry itself ends with one.",
    )
    if rest != "}":
        raise TryAgain(
            f"after the field {list(fields)[-1]} the entry should go on with a comma and the "
            f"next field, or end with a closing brace; yours goes on with `{' '.join(rest[:30].split())}`."
        )
    return head[1].lower(), head[2], fields


def _judge_people(fields: dict[str, str], record: Record) -> None:
    """TryAgain about who is said to have written or edited a book."""
    right = {role: _names(_who(record, role)) for role in ("author", "editor")}
    others = [family for family, _, role in record["people"] if role not in right]
    pairs = (("author", "editor"), ("editor", "author"))
    for role, other in pairs:
        refuse(
            fields.get(role) and not right[role] and fields[role] == right[other],
            f"the {other}s stand as {role}s. That is the fault of both documents, turned one way or the other: who put "
            "a book together didn't write it.",
        )
    families = [family for family, _, _ in record["people"]]
    elsewhere = [family for other in RECORDS for family, _, _ in other["people"] if family not in families]
    for role, _ in pairs:
        given = fields.get(role, "")
        unknown = given and not any(family in given for family in families)
        diagnose(
            {
                f"a Python object stands in {role} in place of names ({given[:40]!r}). It should be a text of names "
                "like `Family, Given`, joined by ` and `.": re.match(r"<\w|\[|\(", given),
                f"letters are joined in {role} ({given[:20]!r}...), not names: ' and '.join wants a list of names.": (
                    re.match(r"\S and \S and \S and ", given)
                ),
                f"nobody in {role} is on this title page, but on another one ({given!r}): is a name typed in, or kept "
                "from another book?": unknown and any(family in given for family in elsewhere),
                f"the family names in {role} have other capitals than on the title page ({given!r}): copy them.": (
                    unknown and any(family.lower() in given.lower() for family in families)
                ),
                f"no family name of this title page stands in {role} ({given!r}): people are `Family, Given`.": unknown,
            }
        )
    for role, other in pairs:
        given, people, strangers = fields.get(role, ""), _who(record, role), _who(record, other)
        if given == right[role] and (role in fields) == bool(people):
            continue
        parts = re.split(r"\s+and\s+", given)
        families = [family for family, _ in people]
        joined = [f"{family}, {first}" for family, first in people]
        missing = [family for family in families if family not in given]
        diagnose(
            {
                f"there is an empty field {role}: this book has no {role}, so leave the field out.": (
                    role in fields and not given and not people
                ),
                f"the field {role} is empty, and on the title page stands {right[role]!r}.": (
                    role in fields and not given and people
                ),
                f"people who did something else (foreword, translation, ...) stand as {role}: leave them out. Yours: "
                f"{given!r}.": any(name in given for name in others),
                f"{other}s stand among the {role}s: each field has the people of its own role.": any(
                    family in given for family, _ in strangers
                ),
                f"the field {role} is missing: this book has one. Your fields are {', '.join(fields)}.": (
                    people and role not in fields
                ),
                f"not all {role}s are named: `and others` and `et al.` hide people. Write every name.": (
                    missing and re.search(r"\bothers\b|\bet al", given)
                ),
                f"{' and '.join(missing)} should stand in {role}, too: write every name, in the order of the title "
                f"page. Yours: {given!r}.": missing,
                f"names are joined by ` and `, whatever their number; a comma or & between people makes one odd person "
                f"of them. Yours: {given!r}.": len(people) > 1 and len(parts) < len(people),
                f"a name is written `Family, Given`, so that nobody takes a family name of two words for a first name. "
                f"Yours: {given!r}.": set(parts) <= {f"{first} {family}" for family, first in people},
                f"the {role}s stand in another order than on the title page: keep it, it says who did how much.": (
                    sorted(parts) == sorted(joined)
                ),
            }
        )
        raise TryAgain(f"{role} is {given!r}, but should be {right[role]!r}.", names_fault=False)


def _judge_entry(text: Any, record: Record) -> None:
    kind, key, fields = _entry(text)
    refuse(kind != "book", f"the kind is @{kind}; a whole book is @book, whoever wrote its parts.")
    _judge_people(fields, record)
    for name in ("title", "publisher", "year"):
        refuse(name not in fields, f"the field {name} is missing. Your fields are {', '.join(fields)}.")
        right, given = str(record[name]), fields[name]
        diagnose(
            {
                f"a bare & stands in {name} (`{given}`). To LaTeX it is the end of a column: write \\& in its "
                "place.": "&" in right and given == right,
                f"{name} has lost its capitals, or got others: {given!r}. Copy it as it is.": (
                    given != right.replace("&", r"\&") and given.lower() == right.replace("&", r"\&").lower()
                ),
                f"{name} is `{given}`, that of another book. Take it from the record: is it typed in, or kept from the "
                "book before?": given in [str(other[name]).replace("&", r"\&") for other in RECORDS]
                and given != right.replace("&", r"\&"),
                f"more than one backslash stands before the & in {name} (`{given}`): write \\& once.": (
                    given.count("\\") > right.count("&") and re.sub(r"\\+&", "&", given) == right
                ),
            }
        )
        if given != right.replace("&", r"\&"):
            wanted = right.replace("&", r"\&")
            raise TryAgain(f"{name} is `{given}`, but should be `{wanted}`.", names_fault=False)
    extra = sorted(fields.keys() - {"author", "editor", "title", "publisher", "year"})
    refuse(
        extra,
        f"the field {extra[0] if extra else ''} isn't asked for: leave it out. Fields are title, publisher, year, and "
        "author and editor where there are any.",
    )
    family = _key(record).removesuffix(str(record["year"]))
    first = record["people"][0][0].lower().replace(" ", "")
    diagnose(
        {
            "the key has a capital letter or a space: the family name in lower case, without spaces, then the year.": (
                key != _key(record) and key.lower().replace(" ", "") == _key(record)
            ),
            "the key has no year at its end.": key == family,
            "the key belongs to whoever stands first on the title page. Take the first *author*, or, if there is none, "
            "the first editor.": first != family and key == f"{first}{record['year']}",
            "the key is that of another book: make it of the family name and the year of this one.": (
                key != _key(record) and key in [_key(other) for other in RECORDS]
            ),
        }
    )
    refuse(
        key != _key(record),
        f"the key is {key!r}, but should be {_key(record)!r}: the first author's (or, without authors, editor's) "
        "family name, and the year.",
    )


def judge_citing(student: Student) -> None:
    """Two real title pages, and three made-up ones with other people on them."""
    for record in RECORDS:
        _judge_entry(student(record), record)
