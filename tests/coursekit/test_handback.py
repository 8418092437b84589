"""What leaves a class: marks as platforms import them, marking on a page of this machine, a report."""

import csv
import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from coursekit import grade, handback
from coursekit.grading import marking, sheet
from coursekit.grading.exporting import Marks, export
from coursekit.grading.record import Record
from coursekit.grading.reporting import Report
from coursekit.grading.roster import ClassError, read_roster
from coursekit.grading.rows import Entry
from coursekit.labs import lab_of
from coursekit.labs.questions import QUESTIONS
from coursekit.make_labs import PLACEHOLDER

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
HANDED_OUT = json.loads((LABS / "01_rolling_downhill.ipynb").read_text("utf-8"))
HOSTILE = (
    '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">\n<b>second line</b>'
)
FREE = "1.5"
SIGN = "your std divides by n - 1 (ddof=1); here it is np.std(x), which divides by n."  # of lab 1's own hints
LIMIT = (
    "that is 1 / lambda_max, half of the limit: the step that lands at the bottom in one go. At which step does a run "
    "land exactly as far away on the other side? (Or are all entries of your Hessian doubled?)"
)

CANVAS = (
    'Student,ID,SIS User ID,SIS Login ID,Section,"Lab 1: Rolling downhill (901)",Quiz 1 (902),Current Score\n'
    ",,,,,Manual Posting,,\n"
    "    Points Possible,,,,,20.00,10,(read only)\n"
    '"Lovelace, Ada",4242,S1,ada,"Mon, A",,7,70\n'
    '"Ångström, Zoë",4243,S2,zoe,"Tue, B",3.5,8,80\n'
    '"Student, Test",4299,,fake,"Mon, A",,,\n'
)
MOODLE = (
    "First name,Last name,ID number,Institution,Department,Email address,Assignment: Lab 1 (Real),Course total (Real)\n"
    "Ada,Lovelace,007,,,ada@example.org,-,-\n"
    "Zoë,Ångström,008,,,zoe@example.org,-,-\n"
)
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (submission),"
    "Last modified (grade),Feedback comments\n"
    'Participant 555,Ada Lovelace,ada@example.org,Submitted,,20.00,Yes,"Monday, 7 October 2030, 9:00",-,\n'
    'Participant 556,Zoë Ångström,zoe@example.org,Submitted for grading,4.00,20.00,Yes,"Monday, 7 October 2030",-,old\n'
    "Participant 559,Not Ours,x@example.org,No submission,,20.00,Yes,-,-,\n"
)


def _notebook(own, text):
    cells = [dict(cell) for cell in HANDED_OUT["cells"]]
    for cell in cells:
        if "".join(cell["source"]).strip() == PLACEHOLDER:
            cell["source"] = text
    return json.dumps({"cells": [*cells, {"cell_type": "code", "source": own}]})


def _judged(tasks, jobs):
    for key, task in tasks:
        points = int(task.cells[-1][1].split()[-1])
        found = {"points": 4, "status": "PASS", "message": "", "note": "", "kind": ""}
        wrong = {"points": 0, "status": "TRY AGAIN", "message": SIGN, "note": ""}
        yield key, {f"1.{n}": found if 4 * n <= points else wrong | {"kind": "named"} for n in range(1, 5)}, []


@pytest.fixture
def class_of(tmp_path, monkeypatch):
    """A function that makes a class of a roster and {file: (points by the checks, free text)}, and grades it."""
    monkeypatch.setattr(grade, "has_bubblewrap", lambda: True)
    monkeypatch.setattr(grade, "judged", _judged)

    def make(roster, hand_ins):
        folder = tmp_path / "class"
        grade.set_up_class(folder, LABS)
        (folder / "roster.csv").write_text(roster, "utf-8")
        for name, (points, text) in hand_ins.items():
            path = folder / "01" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_notebook(f"# {name} {points}", text), "utf-8")
        grade.grade_class(folder, "1", labs=LABS)
        return folder

    return make


def _typed(folder, student, **cells):
    with Record(folder / "gradebook.sqlite") as record:
        record.type("01", [(student, column.replace("_", " "), value) for column, value in cells.items()])


def _rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


# Marks


def test_a_canvas_gradebook_there_and_back(class_of):
    folder = class_of(
        CANVAS, {"lovelaceada_4242_90001_lab.ipynb": (12, "a"), "angstromzoe_4243_90002_lab.ipynb": (8, "b")}
    )
    _typed(folder, "4242", **{FREE: "3"})
    summary = handback.hand_back(folder, labs=LABS, export="canvas")
    header, possible, *rows = _rows(folder / "canvas.csv")
    # As Canvas reads it: who by the columns up to Section, an assignment by the number in brackets, its points below.
    assert header[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert [re.fullmatch(r"(.*) \((\d+)\)", name).groups() for name in header[5:]] == [
        ("Lab 1: Rolling downhill", "901")
    ]
    assert possible == ["    Points Possible", "", "", "", "", "20"]
    assert {row[1]: (row[0], row[3], row[4], row[5]) for row in rows} == {
        "4242": ("Lovelace, Ada", "ada", "Mon, A", "15"),
        "4243": ("Ångström, Zoë", "zoe", "Tue, B", "3.5"),  # no total yet: what Canvas has stays
        "4299": ("Student, Test", "fake", "Mon, A", "0"),
    }
    assert "lab 01: no total yet, and cells left as they were, for 4243" in summary.to_look_at
    assert not (folder / "canvas.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_canvas_with_another_class_list_and_a_new_assignment(class_of):
    folder = class_of(
        "id,name,email\nS1,Ada Lovelace,ada@example.org\n", {"Ada.ipynb": (16, "a"), "Who.ipynb": (4, "b")}
    )
    summary = handback.hand_back(folder, "1", labs=LABS, export="canvas")
    rows = _rows(folder / "canvas.csv")
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab 1: Rolling downhill"]
    assert rows[2] == ["Ada Lovelace", "", "S1", "ada@example.org", "", ""]
    said = "\n".join(summary.to_look_at)
    assert "roster.csv isn't Canvas's" in said
    assert "no one column of roster.csv is this lab's" in said
    assert "not on the roster, and not exported: Who" in said


def test_moodles_gradebook_and_worksheet_there_and_back(class_of):
    folder = class_of(
        MOODLE,
        {
            "Ada Lovelace_555_assignsubmission_file/lab.ipynb": (16, "a"),
            "Zoë Ångström_556_assignsubmission_file/lab.ipynb": (4, "b"),
        },
    )
    _typed(folder, "007", **{FREE: "4", "1.5_comment": "a < b,\nwell seen", "comment": "Good."})
    (folder / "worksheet-01.csv").write_text(WORKSHEET, "utf-8")
    summary = handback.hand_back(folder, "1", labs=LABS, export="moodle")
    assert {path.name for path in summary.sheets} == {"moodle.csv", "moodle-worksheet-01.csv"}
    header, *rows = _rows(folder / "moodle.csv")
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["Email address"], row["ID number"], row["Assignment: Lab 1 (Real)"]) for row in table] == [
        ("ada@example.org", "007", "20"),
        ("zoe@example.org", "008", ""),
    ]
    before = list(csv.DictReader(WORKSHEET.splitlines()))
    after = list(csv.DictReader((folder / "moodle-worksheet-01.csv").read_text("utf-8").splitlines()))
    assert list(after[0]) == list(before[0])
    filled = {"Grade", "Feedback comments"}
    for one, other in zip(before, after, strict=True):
        assert {k: v for k, v in one.items() if k not in filled} == {k: v for k, v in other.items() if k not in filled}
    assert [(row["Grade"], row["Feedback comments"]) for row in after] == [
        ("20", "1.5: a &lt; b,<br>well seen<br>Good."),
        ("4.00", "old"),
        ("", ""),
    ]
    assert "lab 01: 1 rows of worksheet-01.csv are nobody's in this class; they stay as they were" in summary.to_look_at


def test_hidden_names_are_known_by_their_number(class_of):
    hidden = re.sub(r"(Participant \d+),[^,]*,[^,]*,", r"\1,,,", WORKSHEET)
    folder = class_of("id\n555\n556\n", {"Participant_555_assignsubmission_file/lab.ipynb": (16, "a")})
    _typed(folder, "555", **{FREE: "1"})
    (folder / "worksheet-01.csv").write_text(hidden, "utf-8")
    handback.hand_back(folder, "1", labs=LABS, export="moodle")
    after = list(csv.DictReader((folder / "moodle-worksheet-01.csv").read_text("utf-8").splitlines()))
    assert [row["Grade"] for row in after] == ["17", "0", ""]


@pytest.mark.parametrize(
    ("platform", "roster", "worksheet", "problem"),
    [
        ("canvas", CANVAS.replace("20.00", "100"), "", r"Canvas gives 100\.0 points .* but lab 01 has 20"),
        ("moodle", MOODLE, WORKSHEET.replace("20.00", "100.00"), r"worksheet-01\.csv has 100\.0 points"),
        ("moodle", MOODLE, WORKSHEET.replace("Grade,", "Bewertung,"), "has no column Grade"),
        ("canvas", "", "", "is empty: export the gradebook"),
    ],
)
def test_what_would_mean_other_marks_is_refused(tmp_path, platform, roster, worksheet, problem):
    (tmp_path / "roster.csv").write_text(roster, "utf-8")
    if worksheet:
        (tmp_path / "worksheet-01.csv").write_text(worksheet, "utf-8")
    lab = Marks("01", "Rolling downhill", 20, {}, {})
    with pytest.raises(ClassError, match=problem):
        export(tmp_path, platform, [lab], read_roster(tmp_path / "roster.csv"))


def test_a_mark_typed_into_the_gradebook_goes_before(class_of):
    folder = class_of(MOODLE, {"Ada Lovelace_555_assignsubmission_file/lab.ipynb": (16, "a")})
    with Record(folder / "gradebook.sqlite") as record:
        record.type("all", [("007", "01", "11")])
    handback.hand_back(folder, labs=LABS, export="moodle")
    assert _rows(folder / "moodle.csv")[1][-1] == "11"


def test_nothing_leaves_a_lab_that_was_not_graded(class_of):
    folder = class_of(MOODLE, {})
    with pytest.raises(ClassError, match="no lab has been graded yet"):
        handback.hand_back(grade.set_up_class(folder.parent / "new", LABS)[0].parent, labs=LABS, report=True)
    with pytest.raises(ClassError, match="lab 02 hasn't been graded"):
        handback.hand_back(folder, "2", labs=LABS, feedback=True)


# Free texts


@pytest.fixture
def marked(class_of):
    """A class of three with answers, its page served; (folder, address, stop)."""
    folder = class_of(
        "id,name\n1,Ada\n2,Bob\n3,Cleo\n",
        {"Ada.ipynb": (16, "Ada's words"), "Bob.ipynb": (8, HOSTILE), "Cleo.ipynb": (0, "")},
    )
    servers = []

    def start(blind=False):
        with grade.open_class(folder, LABS) as one:
            entries = one.look("01", grade.Summary())
        told = threading.Event()
        address = []

        def ready(where):
            address.append(where)
            told.set()

        class Server(marking.ThreadingHTTPServer):
            def __init__(self, *args):
                super().__init__(*args)
                servers.append(self)

        marking_server, marking.ThreadingHTTPServer = marking.ThreadingHTTPServer, Server
        checks = lab_of("01_x.ipynb")
        thread = threading.Thread(
            target=marking.serve,
            args=(folder / "gradebook.sqlite", "01", checks, entries, {FREE: {2: "half <an> answer"}}),
            kwargs={"blind": blind, "ready": ready},
            daemon=True,
        )
        thread.start()
        assert told.wait(20)
        marking.ThreadingHTTPServer = marking_server
        return folder, address[0]

    yield start
    for server in servers:
        server.shutdown()


def _ask(address, data=None, **headers):
    """(status, text) of a request."""
    body = json.dumps(data).encode() if data is not None else None
    headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    request = urllib.request.Request(address, body, headers if body else headers | {"Content-Type": ""})
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _recorded(folder):
    with Record(folder / "gradebook.sqlite") as record:
        return record.typed("01")


def test_marks_are_stored_at_once_as_typed_cells_are(marked):
    folder, address = marked()
    status, page = _ask(address)
    assert status == 200
    assert "Ada&#39;s words" in page
    assert page.count("An answer that earns") == 1
    assert "half &lt;an&gt; answer" in page
    code = marking.code_of(FREE, "1")
    assert _ask(f"{address}{FREE}", {"code": code, "mark": " 2,5 ", "comment": "Ball?\nWhich?"}) == (200, "saved")
    assert _recorded(folder) == {"1": {FREE: "2,5", "1.5 comment": "Ball?\nWhich?"}}
    assert 'value="2,5"' in _ask(address)[1]
    sheets = handback.hand_back(folder, "1", labs=LABS, report=True)
    assert sheets.sheets[0].name == "report-01.html"
    rows = list(csv.DictReader((folder / "marks-01.csv").read_text("utf-8-sig").splitlines()))
    assert (rows[0]["total"], rows[0]["1.5 comment"]) == ("18.5", "Ball? Which?")
    assert _ask(f"{address}{FREE}", {"code": code, "mark": "", "comment": ""}) == (200, "saved")
    assert _recorded(folder) == {}


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"mark": "5"}, "a mark is a number from 0 to 4"),
        ({"mark": "-1"}, "a mark is a number from 0 to 4"),
        ({"mark": "good"}, "a mark is a number from 0 to 4"),
        ({"code": "nobody"}, "no such answer"),
        ({"comment": 7}, "no such answer"),
        ({"comment": "\ud800"}, "surrogates"),
    ],
)
def test_what_is_no_mark_is_refused(marked, told, problem):
    folder, address = marked()
    right = {"code": marking.code_of(FREE, "1"), "mark": "1", "comment": ""}
    status, text = _ask(f"{address}{FREE}", right | told)
    assert (status, problem in text) == (400, True), text
    assert _recorded(folder) == {}


def test_nobody_else_gets_in(marked):
    folder, address = marked()
    right = {"code": marking.code_of(FREE, "1"), "mark": "1", "comment": ""}
    root = address.rsplit("/", 2)[0]
    assert re.match(r"http://127\.0\.0\.1:\d+/[\w-]{32}/$", address)
    for where in (
        root,
        f"{root}/",
        f"{root}/{FREE}",
        address[:-2] + "/",
        f"{address}1.1",
        f"{address}../../etc/passwd",
    ):
        assert _ask(where)[0] == 404, where
        assert _ask(where, right)[0] in (404, 501), where
    assert _ask(address, Host="evil.example")[0] == 404
    assert _ask(f"{address}{FREE}", right, Host="evil.example")[0] == 404
    assert _ask(f"{address}{FREE}", right, Content_Type="text/plain")[0] == 400
    assert _ask(f"{address}{FREE}", right, Content_Type="application/x-www-form-urlencoded")[0] == 400
    assert _ask(f"{address}{FREE}", [1])[0] == 400
    assert _ask(f"{address}{FREE}", right | {"comment": "x" * 300_000})[0] == 413
    assert _recorded(folder) == {}


def test_blind_pages_and_tables_hold_no_name(marked):
    folder, address = marked(blind=True)
    page = _ask(address)[1]
    for name in ("Ada.ipynb", ">Ada<", "Bob", "Cleo"):
        assert name not in page
    table = (folder / "texts-1.5.csv").read_text("utf-8-sig")
    assert "Bob" not in table
    assert "Cleo" not in table
    codes = [row[0] for row in csv.reader(table.splitlines())][1:]
    assert codes == sorted(marking.code_of(FREE, student) for student in "123")


def test_the_table_of_texts_is_read_back(marked):
    folder, _ = marked()
    path = folder / "texts-1.5.csv"
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert rows[0][2].startswith("mark (4: Both explanations fit the picture")
    for row in rows[1:]:
        if row[0] == marking.code_of(FREE, "2"):
            assert row[1].startswith("<script>")
            row[2:4] = ["1", "=cmd()"]
            row[1] = "an answer that somebody edited"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    grade.grade_class(folder, labs=LABS)  # the tables of labs are read when one of these is made
    grade.grade_class(folder, "1", labs=LABS)
    assert _recorded(folder) == {"2": {FREE: "1", "1.5 comment": "=cmd()"}}
    assert "'=cmd()" in path.read_text("utf-8-sig")
    sheets = list(csv.DictReader((folder / "marks-01.csv").read_text("utf-8-sig").splitlines()))
    assert sheets[1]["total"] == "9"


def test_a_table_that_lay_open_does_not_undo_what_the_page_stored(marked):
    folder, address = marked()
    code = marking.code_of(FREE, "1")
    _ask(f"{address}{FREE}", {"code": code, "mark": "3", "comment": "by the page"})
    grade.grade_class(folder, "1", labs=LABS)
    assert _recorded(folder)["1"] == {FREE: "3", "1.5 comment": "by the page"}


# In a browser


def _page(browser, width, scheme):
    """A page that notes what goes wrong and what it asks of other hosts."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_default_timeout(600_000)  # a busy machine is no fault of the page
    said = []
    page.on("pageerror", lambda error: said.append(error.message))
    page.on("request", lambda asked: asked.url.startswith(("http://127.", "file:", "data:")) or said.append(asked.url))
    page.on(
        "console", lambda message: message.type == "error" and "400" not in message.text and said.append(message.text)
    )
    return page, said


def _faults(page):
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [fault["id"] for fault in found] + (["too wide"] if sideways > 0 else [])


@pytest.mark.slow
def test_marking_by_keyboard_alone(marked, browser):
    folder, address = marked()
    page, said = _page(browser, 1280, "light")
    page.goto(address)
    page.keyboard.press("Alt+n")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    page.keyboard.type("7")
    page.get_by_text("not stored: a mark is a number from 0 to 4").wait_for()
    page.keyboard.press("Backspace")
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.keyboard.type("Which ball?")
    page.keyboard.press("Alt+p")
    assert page.evaluate("document.activeElement.value") == "4"
    page.get_by_text("stored", exact=True).nth(1).wait_for()
    assert page.locator("#count").text_content() == "2 of 3 marked"
    assert _recorded(folder) == {"1": {FREE: "4"}, "2": {FREE: "2", "1.5 comment": "Which ball?"}}
    assert page.title() == "1.5 With and without the ball: marking"  # what Bob wrote hasn't run
    assert "<b>second line</b>" in page.locator("article .words").nth(1).inner_text()
    assert said == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light"), (390, "dark")])
def test_pages_fit_are_accessible_and_ask_nothing_of_others(marked, browser, width, scheme):
    folder, address = marked()
    handback.hand_back(folder, "1", labs=LABS, feedback=True, report=True)
    pages = [folder / "report-01.html", *sorted((folder / "feedback-01").iterdir())]
    page, said = _page(browser, width, scheme)
    for where in (address, *(path.as_uri() for path in pages)):
        page.goto(where)
        assert _faults(page) == [], where
        assert page.title() != "owned"
    assert said == []


# The report


def test_a_report_counts_mistakes_points_and_who_is_missing(class_of):
    hand_ins = {f"s{n}.ipynb": (4 * (n % 5), "words") for n in range(9)}
    folder = class_of("id,name\n" + "".join(f"s{n},Student {n}\n" for n in range(10)), hand_ins)
    for n in range(9):
        _typed(folder, f"s{n}", **{FREE: "2"})
    summary = handback.hand_back(folder, "1", labs=LABS, report=True)
    text = str(summary)
    # Points by checks 0 4 8 12 16 0 4 8 12, and 2 each: sorted 2 2 6 6 10 10 14 14 18.
    assert "9 of 10 handed in; median 10, middle half 6 to 14, of 20 points\n" in text
    assert "not handed in: Student 9 (s9)" in text
    assert f"1.1 Two slopes: 7 of 9 passed\n    2 x {SIGN}\n        ask: {QUESTIONS['1.1']}\n" in text
    assert "1.4 A run that oscillates: 1 of 9 passed\n    8 x" in text
    assert "1.5 With and without the ball: mean 2.0 of 4, 9 marked" in text
    page = (folder / "report-01.html").read_text("utf-8")
    assert '<th scope="row">2 to under 4</th><td class="number">2</td>' in page
    assert not re.search(r"<script|https?:", page)


def test_before_texts_are_marked_the_points_of_checks_are_told(class_of):
    folder = class_of("id\ns0\ns1\n", {"s0.ipynb": (4, "words"), "s1.ipynb": (8, "words")})
    text = str(handback.hand_back(folder, "1", labs=LABS, report=True))
    assert "median 6, middle half 5 to 7, of the 16 points that checks give (not every text has a mark)" in text


def test_errors_are_counted_by_their_kind():
    lab = lab_of("01_x.ipynb")
    errors = [f"your code stopped in line {n} of its cell (`x`) with NameError: name 'x{n}'. There, 1." for n in "12"]
    entries = [
        Entry(
            n, n, {"total": "", "automatic": "0", "1.1": "0"}, object(), {"1.1": {"status": "TRY AGAIN", "message": n}}
        )
        for n in errors
    ]
    (mistake,) = Report.of(lab, entries).exercises[0].mistakes
    assert (mistake.count, mistake.hint) == (2, "an error stopped it: NameError")


def test_a_mistake_without_a_question_of_its_own_gets_that_of_its_exercise():
    found = {"points": 0, "status": "TRY AGAIN", "message": "m is 3, but should be 0.125", "kind": "difference"}
    lab = lab_of("01_x.ipynb")
    entry = Entry("1", "Ada", {"total": "0", "1.1": "0"}, attempt=object(), report={"1.1": found})
    (mistake,) = Report.of(lab, [entry]).exercises[0].mistakes
    assert (mistake.count, mistake.question) == (1, QUESTIONS["1.1"])
    assert "0.125" not in mistake.hint
    entry.report["1.1"].update(kind="named", message=LIMIT)
    (mistake,) = Report.of(lab, [entry]).exercises[0].mistakes
    assert mistake.question == "At which step does a run land exactly as far away on the other side?"


def test_every_exercise_has_a_question_for_the_class():
    for number in range(1, 18):
        lab = lab_of(f"{number:02d}_x.ipynb")
        for n, exercise in lab.exercises.items():
            assert (n in QUESTIONS) == exercise.automatic, n
            assert "?" in QUESTIONS.get(n, "?")


def test_an_emptied_cell_takes_a_mark_back(tmp_path):
    with Record(tmp_path / "x.sqlite") as record:
        sheet.write_sheet(record, "texts 1.5", tmp_path / "t.csv", [("mark", "mark")], {"a": {"mark": "3"}})
        text = (tmp_path / "t.csv").read_text("utf-8-sig").replace("a,3,", "a,,")
        (tmp_path / "t.csv").write_text(text)
        assert sheet.changes_in(
            record, "texts 1.5", tmp_path / "t.csv", {"mark": "mark"}, read_roster(tmp_path / "no")
        )[1] == [("a", "mark", None)]
