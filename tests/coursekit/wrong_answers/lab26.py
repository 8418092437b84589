"""The broken notebook of part VI: wrong repairs beside those of its table, with pieces of their hints; right ones."""

import numpy as np


def median_of_the_test(validation, test):
    return validation.argmax(), np.median(test)


def accuracies_of_the_winner(validation, test):
    return validation.max(), test[validation.argmax()]


def score_alone(validation, test):
    return test[validation.argmax()]


def turned_round(validation, test):
    return test[validation.argmax()], validation.argmax()


def by_loops(validation, test):
    winner = 0
    for i, accuracy in enumerate(validation):
        if accuracy > validation[winner]:
            winner = i
    return winner, float(test[winner])


def by_sorting(validation, test):
    ranked = sorted(zip(validation, test, range(len(test)), strict=True))
    return ranked[-1][2], ranked[-1][1]


WRONG = {
    "26.2": [
        (median_of_the_test, "doesn't change when `validation` does"),
        (accuracies_of_the_winner, "is the largest entry of `validation`"),
        (score_alone, "should return 2 values"),
        (turned_round, "in another order"),
    ],
}
RIGHT = {"26.2": [by_loops, by_sorting]}
