// What the Micro "api" is asked.

/** A refusal: its status, and by field what is wrong. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? body.detail ?? "The shop did not answer as it should.");
    this.status = status;
    this.problems = body.problems ?? {};
  }
}

async function call(path, body) {
  const request = { headers: { Accept: "application/json" } };
  if (body !== undefined) {
    request.method = "POST";
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/api${path}`, request);
  } catch {
    throw new Refused(0, { error: "The shop cannot be reached. Are you connected?" });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const products = () => call("/products");
export const product = (id) => call(`/products/${encodeURIComponent(id)}`);
export const price = (cart) => call("/cart/price", cart);
export const placeOrder = (cart, customer) => call("/orders", { cart, customer });
export const order = (token) => call(`/orders/${encodeURIComponent(token)}`);
export const summary = () => call("/admin/summary");

/** The address of a picture that the Micro "label" draws. */
export function labelOf({ number, customer: { name, street, city } }) {
  return `/label?${new URLSearchParams({ order: number, name, street, city })}`;
}
