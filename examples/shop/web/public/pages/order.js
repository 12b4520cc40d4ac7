// An order, from the token in the address: the server has kept nothing.
import * as api from "../api.js";
import { h } from "../dom.js";
import { lines, sums } from "./receipt.js";

function refusedPage() {
  return {
    title: "Not an order",
    content: [h("h1", null, "This is no order of ours"), h("p", null, "Its address was changed on the way, or it was signed with another key of the shop.")],
  };
}

export async function orderPage({ args: [token] }) {
  let order;
  try {
    order = await api.order(token);
  } catch (error) {
    if (error.status === 404) return refusedPage();
    throw error;
  }
  const { number, placed, customer, receipt, notice } = order;
  const label = api.labelOf(order);
  const day = new Intl.DateTimeFormat("en-IE", { dateStyle: "long" }).format(new Date(placed));
  return {
    title: `Order ${number}`,
    content: [
      h("h1", null, `Thank you, ${customer.name}`),
      h("p", null, "Your order ", h("strong", null, number), ` of ${day}. The address of this page is your receipt: keep it, and show it to nobody.`),
      notice && h("p", { className: "notice" }, notice),
      h("div", { className: "sides" },
        h("section", { className: "panel", "aria-label": "Receipt" }, lines(receipt), sums(receipt)),
        h("section", { "aria-labelledby": "label-heading" },
          h("h2", { id: "label-heading" }, "Its label"),
          h("img", { className: "label", src: label, width: 480, height: 300, alt: `Shipping label: ${customer.name}, ${customer.street}, ${customer.city}; barcode ${number}` }),
          h("p", null, h("a", { href: label, download: `${number}.svg` }, "Save the label")))),
    ].filter(Boolean),
  };
}
