// The router: a path of the address is a page. The server sends index.html for all of them.
import { showCount } from "./cart.js";
import { h, say } from "./dom.js";
import { cartPage } from "./pages/cart.js";
import { checkoutPage } from "./pages/checkout.js";
import { goodsPage, productPage } from "./pages/goods.js";
import { orderPage } from "./pages/order.js";
import { ownerPage } from "./pages/owner.js";

const routes = [
  [/^\/$/, goodsPage],
  [/^\/product\/([^/]+)$/, productPage],
  [/^\/cart$/, cartPage],
  [/^\/checkout$/, checkoutPage],
  [/^\/order\/([^/]+)$/, orderPage],
  [/^\/owner$/, ownerPage],
];

const main = document.getElementById("main");
let turn = 0;
let shown = "";

function missingPage() {
  return {
    title: "Not found",
    content: [h("h1", null, "There is no such page"), h("p", null, "Perhaps the address lacks a part. ", h("a", { href: "/" }, "See the goods"), ".")],
  };
}

function failedPage(error) {
  if (error.status === 404) return missingPage();
  const again = h("button", { className: "primary", on: { click: () => show() } }, "Try again");
  return { title: "Something went wrong", content: [h("h1", null, "Something went wrong"), h("p", { role: "alert" }, error.message), again] };
}

async function pageOf(url) {
  for (const [pattern, page] of routes) {
    const match = pattern.exec(url.pathname);
    if (match) return page({ args: match.slice(1).map(decodeURIComponent), query: url.searchParams, go });
  }
  return missingPage();
}

/** Shows the page of the address. An answer that comes too late is dropped. */
async function show({ first = false } = {}) {
  const mine = ++turn;
  shown = location.pathname + location.search;
  main.setAttribute("aria-busy", "true");
  const page = await pageOf(new URL(location.href)).catch(failedPage);
  if (mine !== turn) return;
  main.removeAttribute("aria-busy");
  document.title = `${page.title} – Harbour Shop`;
  main.replaceChildren(...page.content);
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (first) return;
  // Who hears the page, or walks it by keyboard, is at its start.
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

async function go(path) {
  say("");
  history.pushState(null, "", path);
  scrollTo(0, 0);
  await show();
}

addEventListener("popstate", () => {
  if (location.pathname + location.search !== shown) show(); // else it is a place in the page
});
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented || link.target || link.download || link.origin !== location.origin) return;
  // What is not a page of ours, as the API and labels, is the browser's to open.
  if (link.hash || !routes.some(([pattern]) => pattern.test(link.pathname))) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

showCount();
show({ first: true });
