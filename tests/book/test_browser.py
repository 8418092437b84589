"""The built site in a browser: pages open quietly, fit a phone, pass axe; figures run and say what they show.

Chromium is looked for on this machine, then where `playwright install chromium` puts it.
"""

import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

MODES = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
IN_ALL_MODES = (
    "book/intro",
    "book/claims",
    "book/glossary",
    "search",
    "labs/05_",
    "notebooks/05_",
    "notebooks/evidence/17_what",  # the lightest of its kind
)
FINDS = {  # what is typed -> the chapter that comes first
    **{"learning rate": 1, "gradient descent": 1, "momentum": 1, "overfitting": 2, "perceptron": 3, "random search": 3},
    **{"backpropagation": 4, "crossover": 5, "elitism": 5, "tournament": 5, "EMNN": 6, "self-adaptation": 7},
    **{"CMA-ES": 8, "evolution strategy": 8, "GENREG": 10, "trust": 10, "MNIST": 10, "fitness proportional": 13},
    **{"TPE": 14, "Dask": 15, "surrogate": 15, "mutation": 5, "winner's curse": 14},
}
FOUND = "words => document.querySelector('#pst-search-dialog [role=status]').dataset.words === words"
OURS = ("http://127.0.0.1:", "data:", "blob:", "about:")
LIKE_OTHERS = ("_modules/", "labs/", "notebooks/evidence/", "solutions/")  # axe looks at one of each, in all modes
ONLY_FAULTS = {"resultTypes": ["violations"]}  # all rules run; what passed isn't listed node by node
CUT = """[...document.querySelectorAll('article div:not(.output) > .highlight pre')]
    .filter(code => code.scrollWidth > code.clientWidth + 1).length"""
PAINT = """() => new Promise(done => {
    const seen = {paint: 0, shift: 0};
    const watch = (type, tell) => new PerformanceObserver(list => list.getEntries().forEach(tell))
        .observe({type, buffered: true});
    watch("largest-contentful-paint", entry => { seen.paint = entry.startTime });
    watch("layout-shift", entry => { seen.shift += entry.value });
    setTimeout(() => done(seen), 100);
})"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def names(site: Path) -> list[str]:
    """Every page that a reader may open, without its ending."""
    paths = (path.relative_to(site) for path in sorted(site.rglob("*.html")))
    return [
        path.with_suffix("").as_posix() for path in paths if path.parts[0] not in ("_static", "pagefind", "index.html")
    ]


def opened(browser: Browser, mode: tuple[int, str]) -> Page:
    width, scheme = mode
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(600_000)  # a busy machine is no fault of the page
    return page


def test_every_page_opens_quietly_fits_and_passes_axe(site: Path, address: str, browser: Browser) -> None:
    """Each page in one of four modes by turns, some in all: no error, no other host, no sideways scroll, no fault."""
    faults: list[str] = []
    axe, n_seen = Axe(), 0
    screens = os.environ.get("COURSE_SCREENS")  # a folder for pictures of the first screens
    for turn, mode in enumerate(MODES):
        page = opened(browser, mode)
        said: list[str] = []
        page.on("console", lambda message, said=said: message.type == "error" and said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(error.message))
        page.on("request", lambda asked, said=said: asked.url.startswith(OURS) or said.append(f"asks {asked.url}"))
        for number, name in enumerate(names(site)):
            if number % len(MODES) != turn and not name.startswith(IN_ALL_MODES):
                continue
            page.goto(f"{address}{name}.html", wait_until="load")
            if (over := page.evaluate(SIDEWAYS)) > 0:
                said.append(f"{over} px too wide")
            if mode[0] == 1280 and (cut := page.evaluate(CUT)):
                said.append(f"{cut} blocks of code are cut at the right")
            if turn == 0 and name.startswith(IN_ALL_MODES):
                seen = page.evaluate(PAINT)
                print(f"{name:45} largest paint {seen['paint']:5.0f} ms, layout shift {seen['shift']:.3f}")
            found = said.copy()  # what is said from here on, axe has brought about
            if name.startswith(IN_ALL_MODES) or not name.startswith(LIKE_OTHERS):
                violations = axe.run(page, options=ONLY_FAULTS).response["violations"]
                n_seen += 1
                found += [f"{fault['id']} {[node['target'] for node in fault['nodes'][:2]]}" for fault in violations]
            faults += [f"{name} at {mode[0]} px, {mode[1]}: {fault}" for fault in found]
            if screens:
                page.screenshot(path=Path(screens) / f"{name.replace('/', '-')}-{mode[0]}-{mode[1]}.png")
            page.goto("about:blank")
            said.clear()
        page.close()
    print(f"axe looked at {n_seen} pages; {len(faults)} faults of all kinds")
    assert not faults, "\n".join(faults)


def test_the_bar_of_verdicts_follows_the_filters_of_the_claims(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[0])
    page.goto(f"{address}book/claims.html")
    page.get_by_label("Verdict").select_option("refuted")
    page.get_by_label("Words").fill("gradient")
    counts = {item.split(" ", 1)[1]: int(item.split(" ", 1)[0]) for item in page.locator(".tally li").all_inner_texts()}
    shown = page.locator("table.claims tbody tr:visible").count()
    assert shown > 0
    assert {verdict: n for verdict, n in counts.items() if n} == {"refuted": shown}
    assert page.locator(".tally-bar > .verdict-refuted").bounding_box()["width"] > 300
    page.close()


def test_running_figures_answer_the_keyboard_in_words(site: Path, address: str, browser: Browser) -> None:
    page = opened(browser, MODES[0])
    driven = 0
    for name in names(site):
        if "data-figure=" not in (site / f"{name}.html").read_text("utf-8"):
            continue
        page.goto(f"{address}{name}.html")
        for stage in page.locator(".play[data-figure]").all():
            stage.scroll_into_view_if_needed()
            reading = stage.locator(".play-reading").first  # a table has one of its own
            reading.wait_for()
            before = reading.inner_text()
            assert before.strip(), f"{name}: the figure says nothing"
            for control in stage.locator("input[type=range], select").all():
                control.focus()
                for key in ("ArrowRight", "ArrowDown", "End", "Home"):
                    page.keyboard.press(key)
                    page.wait_for_timeout(150)
                    if reading.inner_text() != before:
                        break
                if reading.inner_text() != before:
                    break
            assert reading.inner_text() != before, f"{name}: nothing that was pressed changed what the figure says"
            driven += 1
    assert driven >= 15


def test_the_table_of_designs_is_filtered_and_sorted_by_keyboard(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[2])
    page.goto(f"{address}notebooks/14_672_ways.html")
    stage = page.locator(".play[data-figure=fig-14-race]")
    stage.scroll_into_view_if_needed()
    stage.locator("tbody tr").first.wait_for()

    def column(number: int) -> list[str]:
        return stage.locator(f"tbody td:nth-child({number})").all_inner_texts()

    assert len(column(1)) == 10
    stage.locator("input[type=search]").focus()
    page.keyboard.type("2 layers adam")
    count = stage.locator("[role=status]").last
    assert count.inner_text().startswith("24 rows; the first 10, by test")
    assert set(column(1)) == {"2"}
    assert set(column(4)) == {"adam"}
    assert column(5) == sorted(column(5), reverse=True)
    page.keyboard.press("Tab")  # on to the columns' names
    page.keyboard.press("Tab")
    for order, first in (("ascending", "64"), ("descending", "1024")):
        page.keyboard.press("Enter")
        heads = stage.locator("th")
        assert [heads.nth(i).get_attribute("aria-sort") for i in range(7)] == [None, order, *[None] * 5]
        assert column(2)[:4] == [first] * 4


def test_the_search_finds_while_one_types(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[0])
    page.goto(f"{address}book/intro.html")
    page.keyboard.press("Control+k")
    found = page.locator("#pst-search-dialog .found li > a")
    for words, chapter in FINDS.items():
        page.locator("#pst-search-dialog input[name=q]").fill(words)
        page.wait_for_function(FOUND, arg=words)
        titles = found.all_inner_texts()
        print(f"{words:22} {' | '.join(titles[:3])}")
        assert titles[0].startswith(f"{chapter} ·"), words
        of_chapters = [title[:1].isdigit() for title in titles]
        assert of_chapters == sorted(of_chapters, reverse=True), f"{words}: {titles}"
        if words == "fitness proportional":
            assert "Glossary" in titles[:3], "which names the function, proportional"
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "intro" not in url)


def test_a_term_tells_its_meaning_beside_the_link(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[0])
    page.goto(f"{address}notebooks/01_rolling_downhill.html")
    page.keyboard.press("Tab")  # from here on, focus is the keyboard's
    page.locator('article a[href*="glossary.html#term-learning-rate"]').first.focus()
    page.locator("#hint:not([hidden])").wait_for()
    assert "step" in page.locator("#hint").inner_text().lower()
    page.keyboard.press("Escape")
    assert page.locator("#hint").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fetches_the_figures_of_its_mode_alone(address: str, browser: Browser, scheme: str) -> None:
    page = opened(browser, (1280, scheme))
    asked: set[str] = set()
    page.on("request", lambda request: "/_images/" in request.url and asked.add(request.url))
    page.goto(f"{address}notebooks/03_one_neuron.html")  # figures, and a film
    for picture in page.locator("article .cell_output img").all():
        if picture.is_visible():
            picture.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth", arg=picture.element_handle())
    assert len(asked) >= 4
    assert {".dark." in url for url in asked} == {scheme == "dark"}
    page.evaluate(
        "document.documentElement.dataset.theme = document.documentElement.dataset.theme == 'dark' ? 'light' : 'dark'"
    )
    still = page.locator(".player img")
    still.scroll_into_view_if_needed()
    assert (".dark." in (still.get_attribute("src") or "")) == (scheme == "light")


def test_a_figure_grows_on_a_phone(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[2])
    page.goto(f"{address}notebooks/14_672_ways.html")
    figure, button = page.locator("figure img.on-light").first, page.locator("figure .enlarge").first
    before = figure.bounding_box()
    button.click()
    after = figure.bounding_box()
    assert before is not None
    assert after is not None
    assert before["width"] < 390 < 700 < after["width"]
    assert page.evaluate(SIDEWAYS) <= 0
    figure.click()
    assert figure.bounding_box()["width"] == before["width"]


def test_tables_of_the_landing_page_need_no_scrolling_on_a_phone(address: str, browser: Browser) -> None:
    page = opened(browser, MODES[2])
    page.goto(f"{address}book/intro.html")
    boxes = "[...document.querySelectorAll('.pst-scrollable-table-container')]"
    assert page.evaluate(f"{boxes}.filter(box => box.scrollWidth > box.clientWidth + 1).length") == 0


def test_a_printed_page_is_light_unfolded_and_uncut(address: str, browser: Browser) -> None:
    page = opened(browser, (700, "dark"))  # as wide as paper
    page.goto(f"{address}notebooks/14_672_ways.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CUT) == 0
    light = page.locator("article img.on-light").first
    page.wait_for_function("image => image.complete && image.naturalWidth", arg=light.element_handle())
    assert light.is_visible()
    assert page.locator("article img.on-dark:visible, .player [role=group]:visible").count() == 0
    inside = page.locator("article details:not([open]) pre").first
    assert inside.bounding_box()["height"] > 20
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
