package main

import (
	"fmt"
	"strings"
)

const maxQuantity = 99 // of one product

// cart is what a customer wants. The prices are the shop's to say.
type cart struct {
	Items  []item `json:"items"`
	Coupon string `json:"coupon"`
}

type item struct {
	ID       string `json:"id"`
	Quantity int    `json:"quantity"`
}

// receipt is a cart with its prices, in cents.
type receipt struct {
	Currency string     `json:"currency"`
	Lines    []line     `json:"lines"`
	Subtotal int        `json:"subtotal"`
	Discount []discount `json:"discounts,omitempty"`
	Shipping int        `json:"shipping"`
	Total    int        `json:"total"`
	// FreeShippingIn is how much more would be sent for nothing.
	FreeShippingIn int `json:"free_shipping_in,omitempty"`
}

type line struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
	Price    int    `json:"price"` // of one
	Total    int    `json:"total"` // before discounts
}

type discount struct {
	Label  string `json:"label"`
	Amount int    `json:"amount"`
}

// problems are what the customer has to correct, by the field that is wrong.
type problems map[string]string

func (p problems) add(field, format string, args ...any) {
	if _, told := p[field]; !told {
		p[field] = fmt.Sprintf(format, args...)
	}
}

// price checks a cart and prices it. What is wrong with it goes to wrong.
func (c *catalogue) price(want cart, wrong problems) receipt {
	r := receipt{Currency: c.Currency, Lines: []line{}}
	if len(want.Items) == 0 {
		wrong.add("items", "The cart is empty.")
	}
	seen := map[string]bool{}
	for i, it := range want.Items {
		field := fmt.Sprintf("items[%d]", i)
		p, ok := c.product(it.ID)
		switch {
		case !ok:
			wrong.add(field, "There is no product %q.", it.ID)
		case seen[it.ID]:
			wrong.add(field, "%s is in the cart twice.", p.Name)
		case it.Quantity < 1 || it.Quantity > maxQuantity:
			wrong.add(field, "%s: the quantity is 1 to %d.", p.Name, maxQuantity)
		default:
			r.Lines = append(r.Lines, line{p.ID, p.Name, it.Quantity, p.Price, p.Price * it.Quantity})
			r.Subtotal += p.Price * it.Quantity
		}
		seen[it.ID] = true
	}
	c.reduce(&r, want.Coupon, wrong)
	return r
}

// reduce takes the discounts off, that for many of a kind before the coupon's, and adds
// what sending the rest costs.
func (c *catalogue) reduce(r *receipt, code string, wrong problems) {
	r.Total = r.Subtotal
	take := func(label string, amount int) {
		if amount > 0 {
			r.Discount = append(r.Discount, discount{label, amount})
			r.Total -= amount
		}
	}
	for _, l := range r.Lines {
		if c.Bulk.Quantity > 0 && l.Quantity >= c.Bulk.Quantity {
			take(fmt.Sprintf("%s, %d or more: %d %%", l.Name, c.Bulk.Quantity, c.Bulk.Percent), percentOf(l.Total, c.Bulk.Percent))
		}
	}
	if code = strings.TrimSpace(code); code != "" {
		known, ok := c.coupon(code)
		if !ok {
			wrong.add("coupon", "There is no coupon of this name.")
		}
		take(fmt.Sprintf("Coupon %s: %d %%", known.Code, known.Percent), percentOf(r.Total, known.Percent))
	}
	if missing := c.Shipping.FreeFrom - r.Total; missing > 0 && len(r.Lines) > 0 {
		r.FreeShippingIn = missing
		r.Shipping = c.Shipping.Price
		r.Total += r.Shipping
	}
}

func (c *catalogue) coupon(code string) (coupon, bool) {
	for _, known := range c.Coupons {
		if strings.EqualFold(known.Code, code) {
			return known, true
		}
	}
	return coupon{}, false
}

// percentOf rounds half a cent up.
func percentOf(cents, percent int) int { return (cents*percent + 50) / 100 }
