"""Lab 17: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np

# 17.1


def price_by_covariance(parents, children, whose):
    table = np.bincount(np.asarray(whose).ravel(), minlength=len(parents))
    selection = np.cov(table, parents, ddof=0)[0, 1] / table.mean()
    return selection, children.mean() - parents.mean() - selection


def price_by_loops(parents, children, whose):
    before = sum(parents) / len(parents)
    chosen, steps = 0.0, 0.0
    for child, row in zip(children, whose, strict=True):
        own = sum(parents[i] for i in row) / len(row)
        chosen += own / len(children)
        steps += child - own
    return chosen - before, steps / len(children)


def forgets_the_childless(parents, children, whose):
    _, fitness = np.unique(whose, return_counts=True)
    return np.cov(fitness, parents, ddof=0)[0, 1] / fitness.mean(), 0.0


def counts_each_parent_once(parents, children, whose):
    fitness = np.array([(whose == i).any(axis=1).sum() for i in range(len(parents))]) / whose.shape[1]
    return np.cov(fitness, parents, ddof=0)[0, 1] / fitness.mean(), 0.0


def deals_shares_out_anew(parents, children, whose):
    fitness = sum(np.isin(np.arange(len(parents)), row) / len(set(row)) for row in whose.tolist())
    return np.cov(fitness, parents, ddof=0)[0, 1] / fitness.mean(), 0.0


def takes_each_parent_once(parents, children, whose):
    selection, _ = price_by_covariance(parents, children, whose)
    return selection, np.mean(
        [z - parents[list(set(row))].mean() for z, row in zip(children, whose.tolist(), strict=True)]
    )


def whole_shares(parents, children, whose):
    fitness = np.bincount(whose.ravel(), minlength=len(parents)) // whose.shape[1]
    return np.cov(fitness, parents, ddof=0)[0, 1] / fitness.mean(), 0.0


def counts_in_a_table(parents, children, whose):
    return np.cov(np.bincount(whose), parents, ddof=0)[0, 1], 0.0


def one_number(parents, children, whose):
    return children.mean() - parents.mean()


def rounds(parents, children, whose):
    selection, transmission = price_by_covariance(parents, children, whose)
    return round(selection, 2), round(transmission, 2)


def typed_in(parents, children, whose):
    return 2.0, -0.125


def overwrites(parents, children, whose):
    children -= parents[whose].mean(axis=1)
    return parents[whose].mean() - parents.mean(), children.mean()


# 17.2


def harness(
    *,
    mask=lambda n, lost, rng: ~np.isin(np.arange(n), rng.choice(n, lost, replace=False)),
    once=True,
    rng_of=lambda rng: rng,
    n_of=lambda n: n,
    intact=True,
    whole_group=False,
    as_numbers=False,
    skip_control=False,
    one_mask=False,
    ask=True,
):
    """A robustness with one thing wrong."""

    def robustness(groups, n_units, n_lost, n_draws, accuracy, rng):
        rng = rng_of(rng)

        def drawn():
            masks = [mask(n_units, n_lost, rng) for _ in range(n_of(n_draws))]
            masks = [masks[0]] * len(masks) if one_mask else masks
            return [m.astype(float) for m in masks] if as_numbers else masks

        masks = drawn()

        def kept(network):
            if not ask:
                return 1.0
            hurt = np.mean([accuracy(network, m) for m in (masks if once else drawn())])
            return hurt / (accuracy(network, np.ones(n_units, dtype=bool)) if intact else 1.0)

        if whole_group:
            return np.array([kept(group) for group in groups])
        table = [
            [1.0 if skip_control and not g else kept(network) for network in group] for g, group in enumerate(groups)
        ]
        return np.array(table)[1:] - table[0]

    return robustness


def named(name, **options):
    function = harness(**options)
    function.__name__ = name
    return function


def block(n, lost, rng):
    return ~np.isin(np.arange(n), (rng.integers(n) + np.arange(lost)) % n)


def with_replacement(n, lost, rng):
    return ~np.isin(np.arange(n), rng.integers(n, size=lost))


def first_is_safe(n, lost, rng):
    return ~np.isin(np.arange(n), 1 + rng.choice(n - 1, lost, replace=False))


def by_coins(n, lost, rng):
    return rng.random(n) >= lost / n


def turned_round(n, lost, rng):
    return np.isin(np.arange(n), rng.choice(n, lost, replace=False))


def generator_for_a_mask(groups, n_units, n_lost, n_draws, accuracy, rng):
    return [[accuracy(network, rng) for network in group] for group in groups]


def intact_alone(groups, n_units, n_lost, n_draws, accuracy, rng):
    return [[accuracy(network, np.ones(n_units, dtype=bool)) for network in group] for group in groups]


def first_network_alone(groups, n_units, n_lost, n_draws, accuracy, rng):
    same = [[groups[0][0] for _ in group] for group in groups]
    return harness()(same, n_units, n_lost, n_draws, accuracy, rng)


def one_array_for_all_masks(groups, n_units, n_lost, n_draws, accuracy, rng):
    alive, masks = np.ones(n_units, dtype=bool), []
    for _ in range(n_draws):
        alive[rng.choice(n_units, n_lost, replace=False)] = False
        masks.append(alive)
    return [[np.mean([accuracy(network, mask) for mask in masks]) for network in group] for group in groups]


def intact_turned_round(groups, n_units, n_lost, n_draws, accuracy, rng):
    masks = [~np.isin(np.arange(n_units), rng.choice(n_units, n_lost, replace=False)) for _ in range(n_draws)]
    for group in groups:
        for network in group:
            for mask in [*masks, np.zeros(n_units, dtype=bool)]:
                accuracy(network, mask)
    return [[0.0] * len(groups[0])] * (len(groups) - 1)


def damage_that_grows(groups, n_units, n_lost, n_draws, accuracy, rng):
    alive, masks = np.ones(n_units, dtype=bool), []
    for _ in range(n_draws):
        alive[rng.choice(n_units, n_lost, replace=False)] = False
        masks.append(alive.copy())
    return [[np.mean([accuracy(network, mask) for mask in masks]) for network in group] for group in groups]


def by_ranks_across_draws(groups, n_units, n_lost, n_draws, accuracy, rng):
    """Of each unit n_lost draws are damages, in place of n_lost units of each draw."""
    masks = rng.random((n_draws, n_units)).argsort(axis=0) >= n_lost
    return [[np.mean([accuracy(network, mask) for mask in masks]) for network in group] for group in groups]


def masks_for_each_group(groups, n_units, n_lost, n_draws, accuracy, rng):
    return [harness()([group, group], n_units, n_lost, n_draws, accuracy, rng)[0] for group in groups][1:]


def of_each_group(slice_of):
    def robustness(groups, *args):
        return harness()([group[slice_of] for group in groups], *args)

    return robustness


last_of_each_left_out = of_each_group(slice(None, -1))
first_of_each_left_out = of_each_group(slice(1, None))
last_of_each_alone = of_each_group(slice(-1, None))
first_of_each_alone = of_each_group(slice(1))


def last_group_left_out(groups, *args):
    return harness()(groups[:-1], *args)


def control_with_itself(groups, *args):
    return harness()(groups, *args) * 0


def network_comes_second(groups, n_units, n_lost, n_draws, accuracy, rng):
    return harness()(groups, n_units, n_lost, n_draws, lambda network, alive: accuracy(alive, network), rng)


def robustness_returns_means(groups, n_units, n_lost, n_draws, accuracy, rng):
    return harness()(groups, n_units, n_lost, n_draws, accuracy, rng).mean(axis=1).tolist()


def robustness_by_shuffling(groups, n_units, n_lost, n_draws, accuracy, rng):
    """Right: masks by shuffling a row with the right number of False, and one loop over all."""
    row = np.array([False] * n_lost + [True] * (n_units - n_lost))
    masks = [rng.permutation(row) for _ in range(n_draws)]
    kept = []
    for group in groups:
        for network in group:
            intact = accuracy(network, np.ones(n_units, dtype=bool))
            kept.append(sum(accuracy(network, alive) / intact for alive in masks) / n_draws)
    table = np.reshape(kept, (len(groups), -1))
    return table[1:] - table[:1]


def robustness_in_lists(groups, n_units, n_lost, n_draws, accuracy, rng):
    """Right: masks by sorting random numbers; lists all the way."""
    order = rng.random((n_draws, n_units)).argsort(axis=1)
    masks = order >= n_lost
    answer = []
    for group in groups[1:]:
        row = []
        for network, control in zip(group, groups[0], strict=True):
            shares = []
            for one in (network, control):
                hurt = sum(accuracy(one, masks[k]) for k in range(n_draws)) / n_draws
                shares.append(hurt / accuracy(one, np.array([True] * n_units)))
            row.append(shares[0] - shares[1])
        answer.append(row)
    return answer


def robustness_from_tables(groups, n_units, n_lost, n_draws, accuracy, rng):
    """Right: places are lost one by one; the control is measured last."""
    masks = np.full((n_draws, n_units), True)
    for mask in masks:
        for place in rng.choice(n_units, size=n_lost, replace=False):
            mask[place] = False
    everything = np.full(n_units, True)
    kept = np.zeros((len(groups), len(groups[0])))
    for g in reversed(range(len(groups))):
        for s, network in enumerate(groups[g]):
            kept[g, s] = np.mean([accuracy(network, mask) for mask in masks]) / accuracy(network, everything)
    return kept[1:] - kept[0]


# 17.3


def entry(
    record,
    *,
    roles=("author", "editor"),
    join=" and ",
    name=lambda family, given: f"{family}, {given}",
    escape=lambda text: text.replace("&", r"\&"),
    kind="book",
    key=lambda family, year: f"{family.lower().replace(' ', '')}{year}",
    keyed_by=("author", "editor"),
    also="",
    end="}",
    people=lambda people: people,
    as_field=lambda role: role,
    empty=False,
    year=str,
    comma=",",
):
    """An entry with one thing wrong."""
    who = {}
    for family, given, role in record["people"]:
        if role in roles:
            who.setdefault(as_field(role), []).append((family, given))
    if empty:
        who = {"author": [], "editor": []} | who
    first = [family for role in keyed_by for family, _, own in record["people"] if own == role or role == "anybody"]
    lines = [f"{role} = {{{join.join(name(*one) for one in people(persons))}}}" for role, persons in who.items()]
    lines += [f"{field} = {{{escape(record[field])}}}" for field in ("title", "publisher")]
    lines += [f"year = {{{year(record['year'])}}}", *([also] if also else [])]
    return f"@{kind}{{{key(first[0], record['year'])},\n  " + f"{comma}\n  ".join(lines) + ",\n" + end


def citing(label, **options):
    def function(record):
        return entry(record, **options)

    function.__name__ = label
    return function


def without_a_title(record):
    return entry(record).replace("title = ", "subtitle = ")


def in_prose(record):
    return f"{record['title']}, {record['publisher']} {record['year']}"


def parts_of_an_entry(record):
    return {"title": record["title"]}


def first_editor_alone(people):
    return people[:1] if len(people) > 1 else people


def et_al(people):
    return [people[0], ("others", "")] if len(people) > 2 else people


def fogel_for_all(record):
    people = zip(record["people"], [("Fogel", "Gary B."), ("Corne", "David W.")], strict=False)
    return entry(record | {"people": [(*known, role) for (*_, role), known in people]})


def title_typed_in(record):
    return entry(record | {"title": "Evolutionary Computation in Bioinformatics"})


def key_typed_in(record):
    return entry(record, key=lambda *_: "fogel2003")


def twice_the_title(record):
    return entry(record, also=f"title = {{{record['title']}}}")


def open_brace(record):
    return entry(record).replace("year = {", 'year = "')


def no_commas(record):
    return entry(record, comma="")


def bibtex_in_one_line(record):
    """Right: quotation marks, another order, no comma at the end."""
    parts = [f"year={record['year']}"]
    for role in ("editor", "author"):
        people = [f"{family}, {given}" for family, given, own in record["people"] if own == role]
        if people:
            parts.append(f'{role.upper()}="{" and ".join(people)}"')
            first = people[0].split(",")[0]
    for field in ("publisher", "title"):
        parts.append(f'{field}="{record[field]}"'.replace("&", "\\&"))
    return f"@Book{{{first.lower().replace(' ', '')}{record['year']},{', '.join(parts)}}}"


def bibtex_by_lines(record):
    """Right: a line at a time, capitals kept by a second pair of braces."""
    people = {"author": [], "editor": []}
    for family, given, role in record["people"]:
        if role in people:
            people[role].append((family, given))
    family = (people["author"] or people["editor"])[0][0]
    text = "@book{" + "".join(family.lower().split()) + str(record["year"]) + ",\n"
    for role in people:
        if people[role]:
            text += f"  {role} = {{" + " and ".join(", ".join(one) for one in people[role]) + "},\n"
    text += "  title = {{" + "\\&".join(record["title"].split("&")) + "}},\n"
    text += "  publisher = {" + "\\&".join(record["publisher"].split("&")) + "},\n"
    return text + f"  year = {record['year']}\n}}\n"


WRONG = {
    "17.1": [
        (one_number, "should return 2 values"),
        (rounds, "rounded to 2 decimals"),
        (typed_in, "the same in all"),
        (overwrites, "changed its input `children`"),
        (forgets_the_childless, "puts together what isn't equally long"),
        (counts_each_parent_once, "counts once in its fitness"),
        (deals_shares_out_anew, "are dealt out anew"),
        (takes_each_parent_once, "take the mean of all k places"),
        (whole_shares, "divided by //"),
        (counts_in_a_table, "counts in one long row"),
    ],
    "17.2": [
        (named("never_asks", ask=False), "accuracy is never called"),
        (named("measures_whole_groups", whole_group=True), "and the networks of each"),
        (named("masks_of_numbers", as_numbers=True), "yours is float64 of shape (10,)"),
        (named("never_intact", intact=False), "isn't measured intact"),
        (named("mask_turned_round", mask=turned_round), "masks the wrong way round"),
        (named("draws_with_replacement", mask=with_replacement), "sometimes 1 unit is lost"),
        (one_array_for_all_masks, "no unit lives in any of your damages"),
        (named("one_too_few", mask=lambda n, lost, rng: block(n, lost - 1, rng)), "2 units are lost each time"),
        (
            named("nobody_is_hurt", mask=lambda n, lost, rng: np.ones(n, dtype=bool)),
            "is measured 401 times, and each time all its units live",
        ),
        (first_network_alone, "groups[0][0] alone is ever measured"),
        (intact_alone, "no network is ever measured with a unit lost"),
        (generator_for_a_mask, "yours is a value of type Generator: is something drawn from it?"),
        (intact_turned_round, "never with all of them"),
        (damage_that_grows, "keeps what the one before it has lost"),
        (by_ranks_across_draws, "times with none"),
        (masks_for_each_group, "those of one group do"),
        (network_comes_second, "you give the network second"),
        (named("one_draw_more", n_of=lambda n: n + 1), "with 401 damages"),
        (named("control_is_spared", skip_control=True), "no network of groups[0] is ever measured"),
        (last_group_left_out, "no network of groups[2] is ever measured"),
        (last_of_each_left_out, "the last network of every group, groups[0][2] for one"),
        (first_of_each_left_out, "the first network of every group, groups[0][0] for one"),
        (last_of_each_alone, "the last network alone is measured"),
        (first_of_each_alone, "the first network alone is measured"),
        (control_with_itself, "is a network compared with itself"),
        (named("new_masks_for_all", once=False), "the same units (all should)"),
        (named("one_mask_for_all_draws", one_mask=True), "all draws lose the same units"),
        (named("first_unit_is_safe", mask=first_is_safe), "unit 0 is lost in 0 %"),
        (named("neighbours_are_lost", mask=block), "different ones"),
        (named("seeds_itself", rng_of=lambda rng: np.random.default_rng(0)), "two different generators give the same"),
        (named("draws_elsewhere", rng_of=lambda rng: np.random.default_rng()), "another source of randomness"),
        (robustness_returns_means, "average over the seeds"),
    ],
    "17.3": [
        (citing("editors_are_authors", as_field=lambda role: "author"), "the editors stand as authors"),
        (citing("authors_are_editors", as_field=lambda role: "editor"), "the authors stand as editors"),
        (citing("commas_between_people", join=", "), "joined by ` and `"),
        (
            citing("letters_are_joined", people=lambda people: [(" and ".join(people[0][0]), "x")]),
            "letters are joined in",
        ),
        (citing("given_name_first", name=lambda family, given: f"{given} {family}"), "is written `Family, Given`"),
        (citing("bare_ampersand", escape=str), "a bare & stands in title"),
        (citing("an_article", kind="article"), "the kind is @article"),
        (citing("key_with_capitals", key=lambda family, year: f"{family}{year}"), "a capital letter or a space"),
        (citing("key_without_year", key=lambda family, year: family.lower()), "no year at its end"),
        (citing("key_of_whoever_is_first", keyed_by=("anybody",)), "belongs to whoever stands first"),
        (citing("a_note", also="note = {famous}"), "the field note isn't"),
        (citing("empty_fields", empty=True), "an empty field author"),
        (
            citing(
                "foreword_is_an_author",
                roles=("author", "foreword", "editor"),
                as_field=lambda role: "editor" if role == "editor" else "author",
            ),
            "people who did something else",
        ),
        (
            citing("editors_are_left_out", roles=("author",), keyed_by=("author", "editor")),
            "the field editor is missing",
        ),
        (citing("year_in_short", year=lambda year: str(year)[2:]), "year is `03`"),
        (citing("reversed_people", people=lambda people: people[::-1]), "another order than on the title page"),
        (citing("others_are_hidden", people=et_al), "not all authors are named"),
        (citing("never_closed", end=""), "the entry itself ends with one"),
        (citing("small_letters", escape=lambda text: text.lower()), "has lost its capitals"),
        (citing("and_for_ampersand", escape=lambda text: text.replace("&", "and")), "should be `Wings \\& Weights`"),
        (citing("escaped_twice", escape=lambda text: text.replace("&", "\\\\&")), "more than one backslash"),
        (citing("first_is_left_out", people=lambda people: people[1:] or people), "Fogel should stand in editor, too"),
        (citing("names_in_small_letters", name=lambda *one: ", ".join(one).lower()), "have other capitals"),
        (citing("given_names_alone", name=lambda family, given: given), "no family name of this title page"),
        (citing("people_are_lost", people=lambda people: []), "the field editor is empty, and on the title page"),
        (without_a_title, "the field title is missing"),
        (in_prose, "begins with its kind"),
        (parts_of_an_entry, "return a text"),
        (fogel_for_all, "is a name typed in, or kept"),
        (title_typed_in, "that of another book. Take"),
        (key_typed_in, "the key is that of another book"),
        (twice_the_title, "stands there twice"),
        (open_brace, "come in pairs"),
        (no_commas, "should go on with a comma"),
    ],
}

RIGHT = {
    "17.1": [price_by_covariance, price_by_loops],
    "17.2": [robustness_by_shuffling, robustness_in_lists, robustness_from_tables],
    "17.3": [bibtex_in_one_line, bibtex_by_lines, citing("entry_by_parts")],
}
