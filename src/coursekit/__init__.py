"""What makes the notebooks a course: feedback in the labs, student versions, grading, executing, and the doctor.

For students, who meet it as `lab.check("1.1", my_function)`; for instructors, who grade with it; for authors.

    grade, grading                         what a class hands in becomes a table of marks, and nothing is lost
    labs                                   one module a lab: its exercises, their checks, what only this lab needs
    notebooks, doctor                      labs made from solutions, notebooks executed for committing; this machine
    lite                                   labs that run in a browser, with nothing installed
    plain                                  the text of notebooks, kept in line with their outputs
    readability                            what a reader of a chapter meets, counted
    environment                            .venv: made, mended, told; what course.py does before anything is there
    feedback                               the engine: judges an answer by named wrong versions of the right one

`feedback` knows nothing of any lab, of populations or of this book, and needs NumPy alone: another course can use it.
The others may import `neuroevo`; nothing here imports `evidence`.
"""
