// The sums of a cart or an order.
import { h, money } from "../dom.js";

function row(label, amount, className) {
  return h("div", { className: className ?? "" }, h("dt", null, label), h("dd", null, amount));
}

/** A list of what makes the total. */
export function sums(receipt) {
  const show = (cents) => money(cents, receipt.currency);
  return h("dl", { className: "sums" },
    row("Goods", show(receipt.subtotal)),
    (receipt.discounts ?? []).map((d) => row(d.label, `−${show(d.amount)}`, "less")),
    row("Shipping", receipt.shipping ? show(receipt.shipping) : "free"),
    row("Total", show(receipt.total), "total"));
}

/** The lines of a receipt, to be read only. */
export function lines(receipt) {
  return h("ul", { className: "lines plain" }, receipt.lines.map((l) => h("li", null,
    h("span", null, `${l.quantity} × ${l.name}`), h("span", { className: "price" }, money(l.total, receipt.currency)))));
}
