package main

import (
	"crypto/rand"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// order is what a customer has bought. Nothing is stored: the customer keeps it, signed.
type order struct {
	Number   string    `json:"number"`
	Placed   time.Time `json:"placed"`
	Customer customer  `json:"customer"`
	Receipt  receipt   `json:"receipt"`
}

// wanted is an order as it is placed.
type wanted struct {
	Cart     cart     `json:"cart"`
	Customer customer `json:"customer"`
}

// customer is who gets it.
type customer struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Street string `json:"street"`
	City   string `json:"city"` // with the postal code
}

const maxField = 60 // characters of each of a customer's fields

// place checks what is wanted and makes it an order.
func (c *catalogue) place(want wanted, now time.Time) (order, problems) {
	wrong := problems{}
	o := order{Number: number(), Placed: now.UTC().Truncate(time.Second), Customer: want.Customer}
	o.Receipt = c.price(want.Cart, wrong)
	o.Receipt.FreeShippingIn = 0 // which is too late now
	for _, field := range []struct {
		name, what string
		value      *string
	}{
		{"name", "name", &o.Customer.Name},
		{"email", "e-mail address", &o.Customer.Email},
		{"street", "street and number", &o.Customer.Street},
		{"city", "postal code and city", &o.Customer.City},
	} {
		*field.value = clean(*field.value)
		switch n := utf8.RuneCountInString(*field.value); {
		case n == 0:
			wrong.add(field.name, "Please enter your %s.", field.what)
		case n > maxField:
			wrong.add(field.name, "This has %d characters; %d is the most.", n, maxField)
		}
	}
	// Whether an address exists only a mail to it tells.
	if before, after, ok := strings.Cut(o.Customer.Email, "@"); !ok || before == "" || after == "" || strings.ContainsAny(o.Customer.Email, " ,;<>") {
		wrong.add("email", "This is no e-mail address, such as ada@example.org.")
	}
	return o, wrong
}

// clean makes one line of what was typed, without characters that show nothing.
func clean(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// number names an order for people. It is no secret; the token is.
func number() string { return "HS-" + rand.Text()[:8] }
