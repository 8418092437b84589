// Paper is white: while a page is printed it is a light one. Figures stay those of the screen: others aren't fetched yet.

const page = document.documentElement.dataset;

addEventListener("beforeprint", () => {
  page.printed = page.theme;
  page.theme = "light";
});
addEventListener("afterprint", () => {
  page.theme = page.printed;
  delete page.printed;
});
