// The cart is kept by the browser; what is in it costs what the API says.

const KEY = "cart";
const MOST = 99;
let cart = load();

function load() {
  try {
    const { items, coupon } = JSON.parse(localStorage.getItem(KEY)) ?? {};
    const good = (it) => typeof it?.id === "string" && Number.isInteger(it.quantity) && it.quantity > 0;
    return { items: Array.isArray(items) ? items.filter(good) : [], coupon: typeof coupon === "string" ? coupon : "" };
  } catch {
    return { items: [], coupon: "" }; // it is not there, is not ours, or may not be kept
  }
}

function changed() {
  try {
    localStorage.setItem(KEY, JSON.stringify(cart));
  } catch { /* then it lives as long as the page */ }
  showCount();
}

/** What the API takes. */
export const current = () => cart;
export const isEmpty = () => cart.items.length === 0;

export function add(id, quantity) {
  const item = cart.items.find((it) => it.id === id);
  if (item) item.quantity = Math.min(MOST, item.quantity + quantity);
  else cart.items.push({ id, quantity });
  changed();
}

export function setQuantity(id, quantity) {
  for (const item of cart.items) if (item.id === id) item.quantity = quantity;
  changed();
}

export function remove(id) {
  cart.items = cart.items.filter((it) => it.id !== id);
  changed();
}

export function setCoupon(coupon) {
  cart.coupon = coupon;
  changed();
}

export function clear() {
  cart = { items: [], coupon: "" };
  changed();
}

/** Shows how many things are in the cart, beside its link. */
export function showCount() {
  const count = document.getElementById("count");
  const things = cart.items.reduce((sum, it) => sum + it.quantity, 0);
  count.hidden = things === 0;
  count.textContent = things;
  count.setAttribute("aria-label", things === 1 ? "1 thing" : `${things} things`);
}

// Another tab has changed it.
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  cart = load();
  showCount();
});
