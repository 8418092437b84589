"""Mutation testing of the labs' checks: right answers with one fault each, and what the checks say to them.

A check is complete for the wrong answers that its author thought of. The measure is those that nobody foresaw, and
faults put into right answers by general rules stand in well for them (Clegg et al. 2021, Perretta et al. 2022).

    operators       the rules: a right answer's source -> its mutants
    trial           each mutant before its check: refused with the fault's name, refused, or let through
"""

from coursekit.mutants.operators import Mutant, mutants_of
from coursekit.mutants.trial import Outcome, table, try_mutants

__all__ = ["Mutant", "Outcome", "mutants_of", "table", "try_mutants"]
