"""The broken notebook of part IV: a wrong repair beside those of its table, with a piece of its hint; right ones."""


def fading(sigma, share_better):
    return 0.8 * sigma


def rounded(sigma, share_better):
    grown = 1.5 * sigma if share_better > 0.2 else sigma * 1.5**-0.25 if share_better < 0.2 else sigma
    return round(grown, 2)


def nothing_at_a_fifth(sigma, share_better):
    if share_better > 0.2:
        return 1.5 * sigma
    if share_better < 0.2:
        return sigma * 1.5**-0.25


def by_powers(sigma, share_better):
    steps = 4 * (share_better > 0.2) - (share_better < 0.2)
    return sigma * 1.5 ** (steps / 4)


def one_return(sigma, share_better):
    factor = 1.0
    if share_better != 0.2:
        factor = 1.5 if share_better > 0.2 else 1 / (1.5 ** (1 / 4))
    return sigma * factor


WRONG = {
    "24.2": [
        (fading, "doesn't change when `share_better` does"),
        (rounded, "rounded"),
        (nothing_at_a_fifth, "returned None"),
    ],
}
RIGHT = {"24.2": [by_powers, one_return]}
