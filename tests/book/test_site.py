"""The built site: no warning, no dead link, no request to another host, buttons that open this course."""

import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from building import build_site, run
from nbformat import v4
from PIL import Image

import neuroevo

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path for folder in ("notebooks", "labs", "solutions") for path in (ROOT / folder).rglob("*.ipynb"))

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from course_site import publishing, repository  # noqa: E402  the extension is no package of the environment


@dataclass
class Page(HTMLParser):
    """What the tests look at in one page."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)  # where a reader may go
    requests: list[str] = field(default_factory=list)  # what the browser fetches by itself
    images: list[tuple[str, str | None]] = field(default_factory=list)  # (source, alternative text)
    twins: set[str] = field(default_factory=set)  # figures for a dark ground: a page shows, and fetches, one of two
    classes: list[str] = field(default_factory=list)
    language: str | None = None
    n_titles: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.classes += values.get("class", "").split()
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "html":
            self.language = values.get("lang")
        if tag == "h1":
            self.n_titles += 1
        if tag == "img":
            self.images.append((values.get("src", ""), dict(attrs).get("alt")))
            if "on-dark" in values.get("class", "").split():
                self.twins.add(values["src"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") not in ("canonical", "author", "license"):
            self.requests.append(values.get("href", ""))
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed", "track", "input"):
            self.requests.append(values.get("src", ""))
        if tag == "object":
            self.requests.append(values.get("data", ""))
        self.requests += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        self.requests += in_styles(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.requests += in_styles(data)


@cache
def page_at(path: Path) -> Page:
    """A page of the built site, read once."""
    return Page(path)


def in_styles(css: str) -> list[str]:
    """The addresses that a style sheet fetches."""
    found = re.findall(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""", css)
    return [url or imported for url, imported in found]


def elsewhere(address: str) -> bool:
    """Whether fetching it would ask another host."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp", "ws", "wss")


def dead_links(pages: list[Page], site: Path) -> list[str]:
    """Links within the site whose page, file or anchor isn't there."""
    anchors = {page.path.resolve(): page.ids for page in pages}
    dead = []
    for page in pages:
        for link in page.links + page.requests:
            parts = urlsplit(link)
            if elsewhere(link) or parts.scheme in ("mailto", "data", "javascript"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
            fragment = unquote(parts.fragment)
            if not target.is_file() or (fragment and target in anchors and fragment not in anchors[target]):
                dead.append(f"{page.path.relative_to(site)} -> {link}")
    return dead


@pytest.fixture(scope="module")
def pages(site: Path) -> list[Page]:
    paths = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.relative_to(site).parts]
    # The front page only sends the reader on to the landing page.
    return [page_at(path) for path in paths if path != site / "index.html"]


def test_the_front_page_leads_to_the_landing_page(site: Path) -> None:
    assert 'url=book/intro.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_every_notebook_is_on_the_site(site: Path) -> None:
    names = [path.relative_to(ROOT).with_suffix("") for path in NOTEBOOKS]
    missing = [str(name) for name in names if not (site / name.with_suffix(".html")).is_file()]
    assert not missing, f"add {', '.join(missing)} to _toc.yml"


def test_links_within_the_site_lead_somewhere(pages: list[Page], site: Path) -> None:
    # 404.html is shown at any address, so its links begin where the site does, which this test doesn't know.
    dead = dead_links([page for page in pages if page.path.name != "404.html"], site)
    assert not dead, "\n".join(dead)


def test_no_page_asks_another_host(pages: list[Page], site: Path) -> None:
    asked = [f"{page.path.name} asks {address}" for page in pages for address in page.requests if elsewhere(address)]
    for sheet in (site / "_static").rglob("*.css"):
        addresses = in_styles(sheet.read_text(encoding="utf-8"))
        asked += [f"{sheet.name} asks {address}" for address in addresses if elsewhere(address)]
    assert not asked, "\n".join(asked)


def test_scripts_in_pages_name_no_other_host(pages: list[Page]) -> None:
    for page in pages:
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", page.path.read_text(encoding="utf-8"), re.DOTALL)
        named = [address for script in scripts for address in re.findall(r"""["'](?:https?:)?//[\w.-]+""", script)]
        assert not named, f"{page.path.name}: {named}"


def test_every_image_has_an_alternative_text(pages: list[Page]) -> None:
    images = [(page.path.name, source[:80], alt) for page in pages for source, alt in page.images]
    assert [image for image in images if not (image[2] or "").strip()] == []


def test_every_page_has_one_title_and_a_language(pages: list[Page]) -> None:
    assert {page.path.name: page.n_titles for page in pages if page.n_titles != 1} == {}
    assert {page.language for page in pages} == {"en-GB"}


def test_every_page_names_the_version(pages: list[Page]) -> None:
    version = f"<p>Version {neuroevo.__version__} ·"
    assert [page.path.name for page in pages if version not in page.path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_launch_buttons_open_this_notebook_of_this_repository(notebook: Path, site: Path) -> None:
    path = notebook.relative_to(ROOT).as_posix()
    links = page_at(site / Path(path).with_suffix(".html")).links
    assert f"https://mybinder.org/v2/gh/fake-owner/fake-course/trunk?urlpath=lab/tree/{path}" in links
    assert f"https://colab.research.google.com/github/fake-owner/fake-course/blob/trunk/{path}" in links
    assert f"https://github.com/fake-owner/fake-course/edit/trunk/{path}" in links
    assert "https://github.com/fake-owner/fake-course" in links
    assert [link for link in links if link.endswith(f"{repository.SETUP}.html{repository.IN_BROWSER}")]


@pytest.mark.parametrize("path", sorted((ROOT / "book" / "quizzes").glob("*.md")), ids=lambda path: path.stem)
def test_a_quiz_is_linked_by_its_chapter_and_groups_its_choices(site: Path, path: Path) -> None:
    assert f"../book/quizzes/{path.stem}.html" in page_at(site / "notebooks" / f"{path.stem}.html").links
    page = (site / "book" / "quizzes" / f"{path.stem}.html").read_text("utf-8")
    questions = path.read_text("utf-8").count("**Question ")
    assert page.count('class="predict docutils container"') == questions >= 6


def test_each_lab_shows_a_check_in_action_before_its_first_cell(site: Path) -> None:
    labs = sorted((ROOT / "labs").glob("[01][0-9]_*.ipynb"))[1:]  # the first is the start page
    for path in labs:
        page = (site / "labs" / f"{path.stem}.html").read_text("utf-8")
        box = page.index("A check in action</p>")
        assert box < page.index('class="cell ')
        text = re.sub(r"<[^>]+>", "", page[box:])
        assert re.search(rf"TRY AGAIN {int(path.name[:2])}\.\d: \S.{{20}}", text)


def test_setup_names_the_repository(site: Path) -> None:
    page = (site / "book" / "setup.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", page)
    assert "git clone https://github.com/fake-owner/fake-course" in text
    assert "--branch trunk https://github.com/fake-owner/fake-course /content/course" in text
    assert "COURSE_BRANCH" not in text


def test_no_page_names_a_repository_that_is_not_ours(pages: list[Page]) -> None:
    for page in pages:
        text = page.path.read_text(encoding="utf-8")
        assert "executablebooks/jupyter-book" not in text, page.path.name
        assert "binder-examples" not in text, page.path.name


def test_the_map_links_what_exists_and_marks_the_rest(site: Path) -> None:
    page = page_at(site / "book" / "intro.html")
    plan = yaml.safe_load((ROOT / "book" / "chapters.yml").read_text(encoding="utf-8"))
    numbers = [number for part in plan for number in part["chapters"]]
    assert len(plan) == 6
    assert numbers == list(range(1, 19))
    existing = {int(path.name[:2]): path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for number, stem in existing.items():
        assert f"../notebooks/{stem}.html" in page.links, f"chapter {number} is not linked"
    assert page.classes.count("course-planned") == len(numbers) - len(existing)


def test_figures_have_the_numbers_of_their_text_and_no_others(pages: list[Page]) -> None:
    assert [page.path.name for page in pages if "caption-number" in page.classes] == []


def test_the_packages_page_shows_what_readers_students_and_instructors_call(site: Path) -> None:
    package = ROOT / "src" / "neuroevo"
    modules = {path.stem for path in package.glob("*.py")}
    modules |= {path.parent.name for path in package.glob("*/__init__.py")}
    wanted = {f"neuroevo.{name}" for name in modules if not name.startswith("_")}
    wanted |= {"coursekit.feedback", "coursekit.grade", "evidence.runner", "evidence.ledger"}
    missing = {name for name in wanted if f"module-{name}" not in page_at(site / "book" / "api.html").ids}
    assert not missing, f"add `.. automodule::` for {', '.join(sorted(missing))} to book/api.md"


def weight(page: Page) -> int:
    """Bytes of a page with all that it asks for: scripts with their imports, styles with their fonts, pictures."""
    files, new = set(), {page.path.resolve()}
    while new:
        path = new.pop()
        files.add(path)
        text = path.read_text("utf-8") if path.suffix in (".css", ".js", ".html") else ""
        if path.suffix == ".html":
            wanted = [name for name in page.requests if name not in page.twins]
        else:
            wanted = in_styles(text) if path.suffix == ".css" else re.findall(r"""(?m)^import [^;]*?"([^"]+)";""", text)
        found = {(path.parent / unquote(urlsplit(name).path)).resolve() for name in wanted if not elsewhere(name)}
        new |= {name for name in found if name.is_file() and name.suffix != ".html"} - files
    return sum(path.stat().st_size for path in files)


def test_a_notebook_that_was_touched_is_built_anew_and_little_else(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site.parent, tmp_path / "_build", symlinks=True)  # with when each page was finished
    notebook = ROOT / "notebooks" / "17_the_analogy_audit.ipynb"
    before = notebook.stat()
    notebook.touch()
    said, seconds = build_site(tmp_path)
    os.utime(notebook, ns=(before.st_atime_ns, before.st_mtime_ns))
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(said))
    read, written = (
        re.findall(rf"^{what}\.\.\. *\[.*%\] (\S+)", plain, re.M) for what in ("reading sources", "writing output")
    )
    print(f"One notebook was touched: {len(read)} pages read, {len(written)} written; {seconds}")
    gathered = {"book/claims", "book/intro", "book/teaching/plan", "book/teaching/sessions"}  # from all chapters
    assert set(read) == {"notebooks/17_the_analogy_audit"} | gathered
    assert len(written) <= 8


def test_pages_are_light(pages: list[Page], site: Path) -> None:
    weights = {page.path.relative_to(site).as_posix(): weight(page) / 1000 for page in pages}
    chapters = [name for name in weights if re.match(r"notebooks/\d", name)]
    assert len(chapters) == len(list((ROOT / "notebooks").glob("[0-9]*.ipynb")))
    print((site.parents[1] / "seconds").read_text("utf-8"))
    print(*(f"{name:45} {weights[name]:6.0f} kB" for name in ["book/intro.html", *chapters]), sep="\n")
    assert {name: kb for name, kb in weights.items() if name in chapters and kb > 1200} == {}
    assert weights["book/intro.html"] < 700, "kB of the landing page"


def test_each_figure_has_a_twin_for_a_dark_ground_that_is_as_large(pages: list[Page], site: Path) -> None:
    figures = [
        (page.path.parent / source, page.path.parent / twin)
        for page in pages
        for (source, _), (twin, _) in pairwise(page.images)
        if twin in page.twins
    ]
    drawn = sum(len(re.findall(r'"image/png": "', path.read_text("utf-8"))) for path in NOTEBOOKS)
    assert len(figures) == drawn > 200
    for source, twin in figures[::10]:
        with Image.open(source) as light, Image.open(twin) as dark:
            assert light.size == dark.size
            assert light.convert("L").getpixel((0, 0)) == 255
            assert dark.convert("L").getpixel((0, 0)) < 32


def test_a_page_loads_no_second_set_of_icons_no_mathjax_and_no_whole_index(pages: list[Page]) -> None:
    heavy = re.compile(r"fontawesome\.js|mathjax|searchindex")
    assert {page.path.name: found for page in pages if (found := list(filter(heavy.search, page.requests)))} == {}


def test_styles_keep_what_pages_ask_for(site: Path) -> None:
    theme = (site / "_static" / "styles" / "pydata-sphinx-theme.css").read_text("utf-8")
    icons = set(
        re.findall(r"fa-solid (fa-[a-z-]+)", (site / "notebooks" / "05_a_genetic_algorithm.html").read_text("utf-8"))
    )
    assert "fa-magnifying-glass" in icons
    assert [icon for icon in icons if f".{icon}" not in theme] == []
    assert ".fa-zhihu" not in theme
    assert len(theme) < 150_000


def test_the_search_knows_chapters_and_no_solutions(site: Path) -> None:
    def head(page: Path) -> str:
        return page.read_text("utf-8")

    assert (site / "pagefind" / "pagefind.js").is_file()
    first = head(site / "notebooks" / "01_rolling_downhill.html")
    terms = re.search(r'data-terms="([^"]*)"', first)
    assert terms is not None
    assert "learning rate" in terms[1].split("; ")
    assert "data-pagefind-body" in first
    assert [page.name for page in site.glob("solutions/*.html") if "data-pagefind-body" in head(page)] == []


def build_small(folder: Path, **environment: str) -> Page:
    """A notebook page with the course's extension, and another below it, in a folder of their own."""
    (folder / "conf.py").write_text(
        f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "course_site"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
html_theme_options = {{
    # what Jupyter Book fills in where the settings name no repository
    "repository_url": "https://github.com/executablebooks/jupyter-book",
    "launch_buttons": {{"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com"}},
}}
""",
        encoding="utf-8",
    )
    text = (
        "# A page\n\n:::{if-repository}\nIt is COURSE_REPOSITORY\n:::\n:::{if-repository}\n:unless:\nIt is unknown\n:::"
    )
    text += "\n:::{if-repository}\n:published:\nIt stands at COURSE_SITE\n:::"
    text += "\n\n:::{toctree}\nother\n:::"  # without a table of contents the theme can't write 404.html
    (folder / "other.md").write_text("# Another", encoding="utf-8")
    kernel = {"name": "python3", "display_name": "Python 3"}
    page = v4.new_notebook(cells=[v4.new_markdown_cell(text)], metadata={"kernelspec": kernel})
    nbformat.write(page, folder / "index.ipynb")
    out = folder / "out"
    done = run([sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(folder), str(out)], **environment)
    assert done.returncode == 0, done.stderr
    return Page(out / "index.html")


def test_a_site_that_is_published_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "_static").mkdir()
    shutil.copy(ROOT / "book" / "_static" / "card.png", tmp_path / "_static")
    course = "https://github.com/fake-owner/fake-course"
    page = build_small(tmp_path, COURSE_SITE="https://fake-owner.github.io/fake-course", COURSE_REPOSITORY=course)
    head = page.path.read_text("utf-8")
    address = "https://fake-owner.github.io/fake-course/"
    assert f"It stands at {address}" in re.sub(r"<[^>]+>", "", head)
    assert re.search(rf'<link href="{address}index.html" rel="canonical"', head)
    assert f'content="{address}_static/card.png" property="og:image"' in head
    assert re.search(r'<meta content="[^"]+" name="description"', head)
    assert f"<loc>{address}index.html</loc>" in (page.path.parent / "sitemap.xml").read_text("utf-8")
    missing = Page(page.path.parent / "404.html")
    assert all(link.startswith("/fake-course/") for link in missing.requests if "_static" in link)


def test_a_wrong_address_of_the_site_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SITE", "fake-course")
    with pytest.raises(publishing.ConfigError, match="COURSE_SITE is 'fake-course'"):
        publishing.address()


def test_without_an_address_the_buttons_are_left_out(tmp_path: Path) -> None:
    page = build_small(tmp_path)
    assert not [link for link in page.links if re.search("mybinder|colab|github", link)]
    assert not [name for name in page.classes if re.search("launch|source-(repository|file|edit|buttons)", name)]
    assert "It is unknown" in page.path.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_clone_finds_its_own_address(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path)]
    run([*git, "init", "--quiet"])
    run([*git, "remote", "add", "origin", "git@github.com:someone/their-fork.git"])
    page = build_small(tmp_path)
    assert "https://mybinder.org/v2/gh/someone/their-fork/main?urlpath=tree/index.ipynb" in page.links
    text = page.path.read_text(encoding="utf-8")
    assert "It is https://github.com/someone/their-fork" in text
    assert "It is unknown" not in text
    assert "It stands at" not in text


def test_from_the_first_page_next_leads_to_chapter_1(site: Path) -> None:
    page = (site / "book" / "intro.html").read_text("utf-8")
    assert re.findall(r'class="right-next"\s+href="([^"]+)"', page) == ["../notebooks/01_rolling_downhill.html"]


@pytest.fixture
def no_course_variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("COURSE_REPOSITORY", "COURSE_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/owner/name",
        "https://github.com/owner/name/",
        "https://github.com/owner/name.git",
        "http://www.github.com/owner/name",
        "https://x-access-token:secret@github.com/owner/name.git",
        "git@github.com:owner/name.git",
        "git@GitHub.com:owner/name",
        "ssh://git@github.com/owner/name.git",
        "ssh://git@ssh.github.com:443/owner/name.git",
        " https://github.com/owner/name\n",
    ],
)
def test_forms_of_an_address(address: str) -> None:
    assert repository.normalise(address) == "https://github.com/owner/name"


def test_a_name_may_hold_dots() -> None:
    assert repository.normalise("git@github.com:o-w/na.me_2.git") == "https://github.com/o-w/na.me_2"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "owner/name",
        "/srv/git/name.git",
        "../github.com/owner/name",
        "https://gitlab.com/owner/name",
        "https://notgithub.com/owner/name",
        "https://github.com.example.org/owner/name",
        "https://example.org/github.com/owner/name",
        "https://github.com/owner",
        "https://github.com/owner/name/tree/main",
        "https://github.com/owner/na me",
        "git@example.org:owner/name.git",
    ],
)
def test_what_is_no_address_of_a_github_repository(address: str) -> None:
    assert repository.normalise(address) is None


def test_a_wrong_address_on_purpose_is_an_error(no_course_variables: pytest.MonkeyPatch) -> None:
    no_course_variables.setenv("COURSE_REPOSITORY", "https://example.org/course")
    with pytest.raises(repository.ConfigError, match="Expected a form such as"):
        repository.find_repository(ROOT)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_copy_inside_another_repository_has_no_address(
    tmp_path: Path, no_course_variables: pytest.MonkeyPatch
) -> None:
    run(["git", "-C", str(tmp_path), "init", "--quiet"])
    run(["git", "-C", str(tmp_path), "remote", "add", "origin", "https://github.com/owner/name"])
    (tmp_path / "copy").mkdir()
    assert repository.find_repository(tmp_path) == "https://github.com/owner/name"
    assert repository.find_repository(tmp_path / "copy") is None


def test_the_tests_notice_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<p id="there">x</p>', encoding="utf-8")
    (tmp_path / "page.html").write_text(
        """<h1>a</h1><h1>b</h1><a href="other.html#there">ok</a><a href="other.html#not">no</a>
        <a href="gone.html">no</a><a href="#nowhere">no</a><img src="//cdn.example.org/a.png"><img src="a.png" alt=" ">
        <link rel="stylesheet" href="https://cdn.example.org/a.css"><p style="background:url(http://example.org/b.png)">
        <style>@import "https://example.org/c.css";</style>""",
        encoding="utf-8",
    )
    pages = [Page(tmp_path / "page.html"), Page(tmp_path / "other.html")]
    dead = dead_links(pages, tmp_path)
    assert [link.split(" -> ")[1] for link in dead] == ["other.html#not", "gone.html", "#nowhere", "a.png"]
    assert len([address for address in pages[0].requests if elsewhere(address)]) == 4
    assert pages[0].n_titles == 2
    assert [alt for _, alt in pages[0].images] == [None, " "]
    assert pages[0].language is None
