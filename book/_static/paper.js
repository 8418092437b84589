// Paper is white: while a page is printed it is a light one, with the figures for a light ground, fetched for it.

const page = document.documentElement.dataset;

addEventListener("beforeprint", () => {
  page.printed = page.theme;
  page.theme = "light";
  for (const picture of document.querySelectorAll("img[loading=lazy]:not(.on-dark)")) picture.loading = "eager";
});
addEventListener("afterprint", () => {
  page.theme = page.printed;
  delete page.printed;
});
