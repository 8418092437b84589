"""Quizzes: questions a chapter in plain Markdown, for the site, for learning platforms (QTI 2.1) and for paper.

`book/quizzes/NN_name.md` belongs to `notebooks/NN_name.ipynb` and reads right wherever it is opened. A heading of the
second level is one of the chapter's "You will be able to"; below it stand the questions that test it:

    **Question 1.3.** What was asked?

    <details><summary>A choice</summary>

    What this choice gets right, and where it goes wrong.

    </details>

The explanation of the right choice begins with `**Right.**`. Numbers that the chapter has measured stand between the
marks of `coursekit.plain`, and are filled in from the chapter's outputs.
"""

from coursekit.quizzes.reading import Choice, Question, Quiz, bring_up_to_date, faults, read
from coursekit.quizzes.sheet import sheet

__all__ = ["Choice", "Question", "Quiz", "bring_up_to_date", "faults", "read", "sheet"]
