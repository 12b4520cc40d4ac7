// The cart: quantities, a coupon, and what it all costs.
import * as api from "../api.js";
import * as cart from "../cart.js";
import { art, h, money } from "../dom.js";
import { sums } from "./receipt.js";

function emptyPage() {
  return { title: "Cart", content: [h("h1", null, "Your cart is empty"), h("p", null, h("a", { href: "/" }, "See the goods"), ".")] };
}

/** Prices the cart. A coupon that is refused, or goods that are no longer sold, are taken out of it and told. */
async function priced() {
  try {
    return { receipt: await api.price(cart.current()) };
  } catch (error) {
    if (error.status !== 422) throw error;
    const { coupon, ...others } = error.problems;
    if (coupon) cart.setCoupon("");
    const bad = Object.keys(others).map((field) => cart.current().items[/^items\[(\d+)\]$/.exec(field)?.[1]]?.id);
    for (const id of bad) cart.remove(id);
    if (cart.isEmpty()) return { gone: true };
    return { receipt: await api.price(cart.current()), wrongCoupon: coupon, note: Object.values(others).join(" ") };
  }
}

export async function cartPage({ go }) {
  const again = () => go("/cart");
  const first = cart.isEmpty() ? { gone: true } : await priced();
  if (first.gone) return emptyPage();
  const totals = h("div", { className: "totals" });
  const amounts = new Map();
  const note = h("p", { className: "wrong", role: "alert" });
  const told = h("p", { className: "unseen", role: "status" }); // what others see beside the lines

  const showPrice = ({ receipt, wrongCoupon, note: gone }) => {
    for (const l of receipt.lines) amounts.get(l.id)?.replaceChildren(money(l.total, receipt.currency));
    totals.replaceChildren(...totalParts(receipt));
    note.textContent = [gone, wrongCoupon].filter(Boolean).join(" ");
    told.textContent = `Total: ${money(receipt.total, receipt.currency)}`;
  };
  const refresh = async () => {
    try {
      const now = await priced();
      if (now.gone) again();
      else showPrice(now);
    } catch (error) {
      note.textContent = error.message;
    }
  };

  const list = h("ul", { className: "lines" }, first.receipt.lines.map((l) => {
    amounts.set(l.id, h("span", { className: "price" }));
    return lineOf(l, amounts.get(l.id), refresh, again);
  }));
  showPrice(first);
  return {
    title: "Cart",
    content: [
      h("h1", null, "Your cart"),
      h("div", { className: "sides" },
        h("section", { "aria-label": "Goods" }, list, couponForm(refresh), note, told),
        h("section", { className: "panel", "aria-label": "Sums" }, totals, h("a", { className: "button primary", href: "/checkout" }, "To the checkout"))),
    ],
  };
}

function totalParts(receipt) {
  const parts = [sums(receipt)];
  if (receipt.free_shipping_in) parts.push(h("p", { className: "hint" }, `${money(receipt.free_shipping_in)} more, and we send it for nothing.`));
  return parts;
}

function lineOf(line, amount, refresh, again) {
  const id = `quantity-${line.id}`;
  const input = h("input", { id, type: "number", inputMode: "numeric", min: 1, max: 99, required: true, value: line.quantity });
  input.addEventListener("change", () => {
    if (!input.reportValidity()) return;
    cart.setQuantity(line.id, input.valueAsNumber);
    refresh();
  });
  const remove = () => {
    cart.remove(line.id);
    again();
  };
  return h("li", null,
    art(line.id),
    h("a", { className: "name", href: `/product/${line.id}` }, line.name),
    h("span", { className: "amount" }, h("label", { className: "unseen", for: id }, `Quantity of ${line.name}`), input, ` × ${money(line.price)}`),
    amount,
    h("button", { type: "button", className: "quiet", "aria-label": `Remove ${line.name}`, on: { click: remove } }, "Remove"));
}

function couponForm(refresh) {
  const input = h("input", { id: "coupon", autocomplete: "off", spellcheck: false, maxLength: 20, value: cart.current().coupon });
  const submit = (event) => {
    event.preventDefault();
    cart.setCoupon(input.value.trim());
    refresh();
  };
  return h("form", { className: "coupon", on: { submit } },
    h("label", { for: "coupon" }, "Coupon"), input, h("button", null, "Use it"), h("span", { className: "hint" }, "Try WELCOME."));
}
