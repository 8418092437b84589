"""What the site needs beside its settings in _config.yml: its own address, nothing from other hosts, fixed markup.

Each module here is one concern, and says why it is needed:

* ``repository``  the address of the course, so that launch and edit buttons of a fork open the fork;
* ``release``     solutions that aren't shown before a day;
* ``publishing``  the address of the site, descriptions and cards for links to it, what stands in the footer;
* ``offline``     thebe's scripts left out, which ask another host;
* ``mathematics`` formulas as MathML;
* ``finishing``   the last hand on a page that was written, by the next five:
* ``films``       the frames of a film as files, fetched when they are wanted;
* ``accessible``  faults of the theme and its tools that stand in the way of a keyboard or a screen reader;
* ``dark``        figures for a dark ground, drawn by ``inks``;
* ``lean``        what a page needn't load: unused styles, icons, scripts; sizes of pictures;
* ``finding``     a search that finds while one types;
* ``keeping``     the whole book as an EPUB and a PDF;
* ``running``     figures that run in the page, below the figure that they belong to;
* ``plain``       what chapters say in plain Markdown, dressed up: captions, boxes, groups of choices;
* ``answering``   a wrong answer on each lab's page, and what the check says to it;
* ``references``  links to the glossary and the bibliography;
* ``claims``      the table of verdicts, its bar, and links between it and the boxes;
* ``directives``  the map of the book, a count of predictions, bars of results, commands that name the repository;
* ``scorecard``   the title question's five rows, on the first page;
* ``teaching``    what a teacher plans with, read from chapters, labs and checks;
* ``docstrings``  docstrings read as Markdown would read them.
"""

from typing import Any

from sphinx.application import Sphinx

from . import (
    answering,
    claims,
    dark,
    directives,
    docstrings,
    finding,
    finishing,
    keeping,
    mathematics,
    offline,
    plain,
    publishing,
    references,
    release,
    repository,
    running,
    scorecard,
    teaching,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx, which calls this once a build."""
    # "env": a page that names the repository is read again when the address changes.
    app.add_config_value("course_repository", None, "env", types=[str, type(None)])
    app.add_config_value("course_branch", "main", "env", types=[str])
    app.add_config_value("course_solutions_from", "", "env", types=[str])
    app.connect("config-inited", release.hold_back, priority=950)  # after sphinx-external-toc's own, 900
    app.connect("config-inited", repository.set_theme_options)
    app.connect("config-inited", publishing.write_footer)
    app.connect("config-inited", publishing.tell_address)
    app.connect("html-page-context", repository.tell_of_first_cell, priority=600)  # after the theme's buttons, 501
    publishing.load_extensions(app)

    app.connect("doctree-resolved", offline.drop_thebe_config, priority=900)  # after sphinx-thebe has added it
    app.connect("html-page-context", offline.drop_thebe, priority=900)

    app.connect("builder-inited", finding.drop_sphinx_search)
    app.connect("build-finished", finishing.finish, priority=900)  # after all others have written
    app.connect("build-finished", keeping.keep, priority=950)

    app.add_js_file(None, body=dark.LOOK, priority=0)
    app.add_html_math_renderer("mathml", (mathematics.visit_inline, None), (mathematics.visit_block, None))
    app.add_transform(plain.DressPlainText)
    app.add_transform(running.PlaceFigures)
    app.add_transform(answering.ShowCheck)
    app.connect("build-finished", running.write_data)
    app.connect("doctree-read", references.add_reference_anchors)
    app.connect("doctree-read", references.note_citations)

    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", docstrings.read_as_markdown, priority=400)  # before napoleon

    app.add_role("told", directives.told)
    app.add_directive("running-figure", running.RunningFigure)
    app.add_directive("to-keep", keeping.ToKeep)
    app.add_directive("result-bars", directives.ResultBars)
    app.add_directive("scorecard", scorecard.Scorecard)
    app.add_directive("course-map", directives.CourseMap)
    app.connect("html-page-context", directives.read_on)
    app.add_directive("claim-ledger", claims.ClaimLedger)
    app.add_directive("verdict-tally", claims.VerdictTally)
    app.connect("html-page-context", claims.link_boxes)
    app.add_directive("prediction-count", directives.PredictionCount)
    app.add_directive("if-repository", directives.IfRepository)
    app.add_directive("workload", teaching.Workload)
    app.add_directive("chapter-needs", teaching.ChapterNeeds)
    app.add_directive("chapter-facts", teaching.ChapterFacts)
    app.add_directive("named-mistakes", teaching.NamedMistakes)
    app.add_directive("rubrics", teaching.Rubrics)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
