// What the owner may see. The platform lets nobody else ask for it.
import * as api from "../api.js";
import { h, money } from "../dom.js";

function strangerPage() {
  return {
    title: "For the owner",
    content: [
      h("h1", null, "For the owner"),
      h("p", null, "The route ", h("code", null, "/api/admin/summary"), " is private: the platform answered 401, and the API was never asked."),
      h("p", null, h("a", { className: "button primary", href: "/api/admin/summary" }, "Open it"), " to log in, and come back to this page."),
    ],
  };
}

export async function ownerPage() {
  let sum;
  try {
    sum = await api.summary();
  } catch (error) {
    if (error.status === 401) return strangerPage();
    throw error;
  }
  const head = ["Product", "Price", "Cost", "Margin", "Stock"];
  return {
    title: "For the owner",
    content: [
      h("h1", null, "For the owner"),
      h("p", null, `${sum.products} products, ${sum.stock_units} things in stock for ${money(sum.stock_cost)}. Orders are signed with ${sum.signing_key === "demo" ? "the key of a demo: set SHOP_KEY" : sum.signing_key}.`),
      h("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Margins" }, h("table", null,
        h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", null, sum.margins.map((m) => h("tr", null,
          h("th", { scope: "row" }, m.name), h("td", null, money(m.price)), h("td", null, money(m.cost)), h("td", null, `${m.percent} %`), h("td", null, m.stock)))))),
    ],
  };
}
