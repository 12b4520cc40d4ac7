package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const goodOrder = `{"cart":{"items":[{"id":"mug","quantity":3}],"coupon":"WELCOME"},
	"customer":{"name":" Ada\tLovelace ","email":"ada@example.org","street":"Harbour Lane 1 <b>","city":"12345 Port & Bay"}}`

type answered struct {
	Token string
	placed
}

func TestOrderRoundTrip(t *testing.T) {
	h := testHandler(t, "SHOP_KEY", "a long random text")
	var made, seen answered
	w := ask(t, h, "POST", "/orders", goodOrder, &made)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "orders/"+made.Token || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	if strings.Contains(made.Token, ".") {
		t.Error("a path that ends in .x is a file for a front end that falls back to its page")
	}
	ask(t, h, "GET", "/orders/"+made.Token, "", &seen)
	for _, o := range []answered{made, seen} {
		if o.Customer.Name != "Ada Lovelace" || o.Customer.Street != "Harbour Lane 1 <b>" || o.Receipt.Total != 3892 || len(o.Receipt.Lines) != 1 ||
			o.Receipt.FreeShippingIn != 0 || o.Number != made.Number || time.Since(o.Placed) > time.Minute || o.Notice != "" {
			t.Errorf("got %+v", o)
		}
	}
	var again answered
	if ask(t, h, "POST", "/orders", goodOrder, &again); again.Number == made.Number {
		t.Error("two orders have one number")
	}
}

func TestOrderOfADemo(t *testing.T) {
	var made answered
	ask(t, testHandler(t), "POST", "/orders", goodOrder, &made)
	if !strings.Contains(made.Notice, "demo") {
		t.Errorf("nothing says that it is a demo: %+v", made)
	}
	// It is no order for the shop that has its key.
	if w := ask(t, testHandler(t, "SHOP_KEY", "k"), "GET", "/orders/"+made.Token, "", nil); w.Code != http.StatusNotFound {
		t.Errorf("got %d", w.Code)
	}
	if _, err := newSigner(variables()); err == nil {
		t.Error("a shop without any key must not start")
	}
}

// Whatever is changed of a token, it is an order no more.
func TestForgedOrders(t *testing.T) {
	h := testHandler(t)
	var made answered
	ask(t, h, "POST", "/orders", goodOrder, &made)
	sealed, err := base64.RawURLEncoding.DecodeString(made.Token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		forged := append([]byte(nil), sealed...)
		forged[i] ^= 1
		if w := ask(t, h, "GET", "/orders/"+base64.RawURLEncoding.EncodeToString(forged), "", &failure{}); w.Code != http.StatusNotFound {
			t.Fatalf("byte %d is not signed: %d %s", i, w.Code, w.Body)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(made.Token) - 1
	next := alphabet[(strings.IndexByte(alphabet, made.Token[last])+1)%len(alphabet)]
	for name, token := range map[string]string{
		"last character": made.Token[:last] + string(next), "cut": made.Token[:last], "longer": made.Token + "A",
		"short": "AAAA", "unsigned": base64.RawURLEncoding.EncodeToString(sealed[32:]), "huge": strings.Repeat("A", maxToken+1), "no base64": "***",
	} {
		if w := ask(t, h, "GET", "/orders/"+token, "", &failure{}); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	h := testHandler(t)
	for name, c := range map[string]struct{ name, email, street, city, fields string }{
		"nothing":     {"", " ", "\u0000", "\t", "city email name street"},
		"no address":  {"Ada", "ada", "x", "y", "email"},
		"two mails":   {"Ada", "a@b,c@d", "x", "y", "email"},
		"long":        {strings.Repeat("é", maxField+1), "a@b", "x", "y", "name"},
		"full length": {strings.Repeat("é", maxField), "a@b", "x", "y", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := fmt.Sprintf(`{"cart":{"items":[{"id":"mug","quantity":1}]},"customer":{"name":%s,"email":%s,"street":%s,"city":%s}}`,
				quote(c.name), quote(c.email), quote(c.street), quote(c.city))
			var f failure
			w := ask(t, h, "POST", "/orders", body, &f)
			want := http.StatusUnprocessableEntity
			if c.fields == "" {
				want = http.StatusCreated
			}
			if w.Code != want || len(f.Problems) != len(strings.Fields(c.fields)) {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			for field := range strings.FieldsSeq(c.fields) {
				if f.Problems[field] == "" {
					t.Errorf("nothing is said of %s: %v", field, f.Problems)
				}
			}
		})
	}
}

func quote(s string) string { return strings.ReplaceAll(fmt.Sprintf("%+q", s), `\x00`, `\u0000`) }

// The longest order that is taken can be opened again.
func TestLongestOrder(t *testing.T) {
	c, err := loadCatalogue(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	wide := strings.Repeat("\U0001F6A2", maxField)
	want := wanted{Cart: cart{Coupon: "HARBOUR"}, Customer: customer{wide, wide[:len(wide)-8] + "@x", wide, wide}}
	for _, g := range c.Goods {
		want.Cart.Items = append(want.Cart.Items, item{g.ID, maxQuantity})
	}
	o, wrong := c.place(want, time.Now())
	s := signer{key: []byte("k")}
	token, err := s.seal(o)
	if len(wrong) > 0 || err != nil {
		t.Fatal(wrong, err)
	}
	if seen, err := s.open(token); err != nil || seen.Receipt.Total != o.Receipt.Total {
		t.Errorf("a token of %d characters: %v", len(token), err)
	}
}
