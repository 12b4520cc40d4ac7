// What is for sale: all of it, and one thing by itself.
import * as api from "../api.js";
import * as cart from "../cart.js";
import { art, h, money, say } from "../dom.js";

function put(product, quantity) {
  cart.add(product.id, quantity);
  say(`${product.name} is in the cart.`);
}

function card(product, currency) {
  return h("li", { className: "card" },
    art(product.id),
    h("h2", null, h("a", { href: `/product/${product.id}` }, product.name)),
    h("p", { className: "price" }, money(product.price, currency)),
    h("button", { type: "button", "aria-label": `Add to the cart: ${product.name}`, on: { click: () => put(product, 1) } }, "Add to cart"));
}

function kindLinks(kinds, chosen) {
  const link = (name, href, here) => h("a", here ? { href, "aria-current": "true" } : { href }, name);
  return h("nav", { className: "kinds", "aria-label": "Kinds of goods" },
    link("All", "/", !chosen), kinds.map((kind) => link(kind, `/?kind=${encodeURIComponent(kind)}`, kind === chosen)));
}

export async function goodsPage({ query }) {
  const { currency, products } = await api.products();
  const chosen = query.get("kind");
  const shown = chosen ? products.filter((p) => p.kind === chosen) : products;
  return {
    title: chosen ?? "Goods",
    content: [
      h("div", { className: "hero" },
        h("h1", null, "Useful things from a small harbour"),
        h("p", null, "Three or more of one kind cost a tenth less. From €60 on we send for nothing.")),
      kindLinks([...new Set(products.map((p) => p.kind))], chosen),
      shown.length ? h("ul", { className: "grid" }, shown.map((p) => card(p, currency))) : h("p", null, "There is nothing of this kind."),
    ],
  };
}

export async function productPage({ args: [id] }) {
  const product = await api.product(id);
  const quantity = h("input", { id: "quantity", type: "number", inputMode: "numeric", min: 1, max: 99, value: 1, required: true });
  const submit = (event) => {
    event.preventDefault();
    put(product, quantity.valueAsNumber);
  };
  return {
    title: product.name,
    content: [
      h("p", { className: "back" }, h("a", { href: `/?kind=${encodeURIComponent(product.kind)}` }, `← ${product.kind}`)),
      h("article", { className: "product" },
        h("div", { className: "stage" }, art(product.id)),
        h("div", null,
          h("h1", null, product.name),
          h("p", { className: "price big" }, money(product.price)),
          h("p", null, product.text),
          h("form", { className: "buy", on: { submit } },
            h("label", { for: "quantity" }, "Quantity"), quantity, h("button", { className: "primary" }, "Add to cart")),
          h("p", { className: "hint" }, "Three or more: 10 % off."))),
    ],
  };
}
