// The checkout: an address, and an order.
import * as api from "../api.js";
import * as cart from "../cart.js";
import { h, money } from "../dom.js";
import { lines, sums } from "./receipt.js";

const fields = [
  { name: "name", label: "Name", autocomplete: "name" },
  { name: "email", label: "E-mail", type: "email", autocomplete: "email" },
  { name: "street", label: "Street and number", autocomplete: "street-address" },
  { name: "city", label: "Postal code and city", autocomplete: "postal-code" },
];

function fieldOf({ name, label, type = "text", autocomplete }) {
  const input = h("input", { id: name, name, type, autocomplete, required: true, maxLength: 60 });
  const wrong = h("p", { id: `${name}-wrong`, className: "wrong", hidden: true });
  const tell = (text) => {
    wrong.hidden = !text;
    wrong.textContent = text ?? "";
    if (text) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", wrong.id);
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  };
  input.addEventListener("input", () => tell());
  return { name, input, tell, element: h("div", { className: "field" }, h("label", { for: name }, label), input, wrong) };
}

export async function checkoutPage({ go }) {
  if (cart.isEmpty()) return { title: "Checkout", content: [h("h1", null, "There is nothing to pay"), h("p", null, h("a", { href: "/" }, "See the goods"), ".")] };
  const receipt = await api.price(cart.current());
  const made = fields.map(fieldOf);
  const whole = h("p", { className: "wrong", role: "alert" });
  const button = h("button", { className: "primary" }, `Order for ${money(receipt.total, receipt.currency)}`);

  const refuse = (error) => {
    const told = made.filter(({ name, tell }) => {
      tell(error.problems?.[name]);
      return error.problems?.[name];
    });
    whole.textContent = told.length ? "Please correct what is marked." : error.message;
    told[0]?.input.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const customer = Object.fromEntries(made.map(({ name, input }) => [name, input.value]));
      const { token } = await api.placeOrder(cart.current(), customer);
      cart.clear();
      await go(`/order/${token}`);
    } catch (error) {
      refuse(error);
    } finally {
      button.disabled = false;
    }
  };
  return {
    title: "Checkout",
    content: [
      h("h1", null, "Checkout"),
      h("div", { className: "sides" },
        // What is wrong is said by the API, beside its field.
        h("form", { noValidate: true, on: { submit } }, made.map((f) => f.element), whole, button),
        h("section", { className: "panel", "aria-label": "Your order" }, lines(receipt), sums(receipt), h("a", { href: "/cart" }, "Change the cart"))),
    ],
  };
}
