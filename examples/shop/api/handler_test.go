package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func variables(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func testHandler(t *testing.T, env ...string) http.Handler {
	t.Helper()
	c, err := loadCatalogue(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	sign, err := newSigner(variables(append(env, "DETA_PROJECT_KEY", "the platform's")...))
	if err != nil {
		t.Fatal(err)
	}
	return newHandler(c, sign)
}

// ask asks for JSON, which it decodes into a value if that is not nil.
func ask(t *testing.T, h http.Handler, method, path, body string, into any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if into != nil {
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s %s: Content-Type %q", method, path, got)
		}
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s %s: %v in %q", method, path, err, w.Body)
		}
	}
	return w
}

func TestProducts(t *testing.T) {
	h := testHandler(t)
	var list struct {
		Currency string
		Products []product
	}
	ask(t, h, "GET", "/products", "", &list)
	if len(list.Products) != 8 || list.Currency != "EUR" || list.Products[0].ID != "mug" || list.Products[0].Price != 1400 {
		t.Fatalf("got %+v", list)
	}
	for _, p := range list.Products {
		var one product
		if w := ask(t, h, "GET", "/products/"+p.ID, "", &one); w.Code != http.StatusOK || one != p {
			t.Errorf("got %d %+v, want %+v", w.Code, one, p)
		}
	}
	for _, path := range []string{"/products", "/products/mug"} {
		if text := ask(t, h, "GET", path, "", nil).Body.String(); strings.Contains(text, "cost") || strings.Contains(text, "stock") {
			t.Errorf("%s tells what is the shop's own: %s", path, text)
		}
	}
	if w := ask(t, h, "GET", "/products/anchor", "", &failure{}); w.Code != http.StatusNotFound {
		t.Errorf("an unknown product gets %d", w.Code)
	}
}

func TestPrices(t *testing.T) {
	h := testHandler(t)
	for name, c := range map[string]struct {
		cart                            string
		subtotal, discount, sent, total int
		missing                         int
		label                           string
	}{
		"one":           {cart: `{"items":[{"id":"mug","quantity":1}]}`, subtotal: 1400, sent: 490, total: 1890, missing: 4600},
		"bulk":          {cart: `{"items":[{"id":"mug","quantity":3}]}`, subtotal: 4200, discount: 420, sent: 490, total: 4270, missing: 2220, label: "Enamel mug, 3 or more: 10 %"},
		"free shipping": {cart: `{"items":[{"id":"lamp","quantity":1}]}`, subtotal: 7900, total: 7900},
		"coupon": {
			cart: `{"items":[{"id":"candle","quantity":1}],"coupon":" welcome "}`, subtotal: 1250, discount: 125, sent: 490, total: 1615, missing: 4875,
			label: "Coupon WELCOME: 10 %",
		},
		// Of 2565 cents ten percent are 256.5, and half a cent goes to the customer.
		"bulk, then coupon": {cart: `{"items":[{"id":"postcards","quantity":3}],"coupon":"WELCOME"}`, subtotal: 2850, discount: 285 + 257, sent: 490, total: 2798, missing: 3692},
		// The discount takes the cart below what is sent for nothing.
		"coupon and shipping": {cart: `{"items":[{"id":"bag","quantity":2}],"coupon":"HARBOUR"}`, subtotal: 7200, discount: 1440, sent: 490, total: 6250, missing: 240},
	} {
		t.Run(name, func(t *testing.T) {
			var r receipt
			if w := ask(t, h, "POST", "/cart/price", c.cart, &r); w.Code != http.StatusOK {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			off, labels := 0, ""
			for _, d := range r.Discount {
				off += d.Amount
				labels += d.Label
			}
			if r.Subtotal != c.subtotal || off != c.discount || r.Shipping != c.sent || r.Total != c.total || r.FreeShippingIn != c.missing || !strings.Contains(labels, c.label) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestCartsThatAreRefused(t *testing.T) {
	h := testHandler(t)
	for name, c := range map[string]struct{ cart, field string }{
		"empty":      {`{}`, "items"},
		"unknown":    {`{"items":[{"id":"anchor","quantity":1}]}`, "items[0]"},
		"none of it": {`{"items":[{"id":"mug","quantity":0}]}`, "items[0]"},
		"negative":   {`{"items":[{"id":"mug","quantity":1},{"id":"bag","quantity":-1}]}`, "items[1]"},
		"too many":   {`{"items":[{"id":"mug","quantity":100}]}`, "items[0]"},
		"twice":      {`{"items":[{"id":"mug","quantity":1},{"id":"mug","quantity":1}]}`, "items[1]"},
		"no coupon":  {`{"items":[{"id":"mug","quantity":1}],"coupon":"FREE"}`, "coupon"},
	} {
		t.Run(name, func(t *testing.T) {
			var f failure
			if w := ask(t, h, "POST", "/cart/price", c.cart, &f); w.Code != http.StatusUnprocessableEntity || f.Problems[c.field] == "" || len(f.Problems) != 1 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	h := testHandler(t)
	const good = `{"items":[{"id":"mug","quantity":1}]}`
	for name, c := range map[string]struct {
		body, media string
		status      int
	}{
		"no JSON":       {`items=mug`, "application/json", 400},
		"two values":    {good + good, "application/json", 400},
		"own price":     {`{"items":[{"id":"mug","quantity":1,"price":1}]}`, "application/json", 400},
		"huge number":   {`{"items":[{"id":"mug","quantity":1e99}]}`, "application/json", 400},
		"a form's type": {good, "text/plain", 415},
		"too large":     {`{"coupon":"` + strings.Repeat("x", maxBody) + `"}`, "application/json", 413},
		"good":          {good, "application/json; charset=utf-8", 200},
	} {
		t.Run(name, func(t *testing.T) {
			if w := ask(t, h, "POST", "/cart/price", c.body, nil, "Content-Type", c.media); w.Code != c.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.status)
			}
		})
	}
	if w := ask(t, h, "POST", "/orders", good, nil, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's order gets %d", w.Code)
	}
}

func TestSummary(t *testing.T) {
	var s summary
	ask(t, testHandler(t, "SHOP_KEY", "x"), "GET", "/admin/summary", "", &s)
	if s.Products != 8 || s.StockUnits != 559 || s.SigningKey != "SHOP_KEY" || s.Margins[0] != (margin{"mug", "Enamel mug", 1400, 520, 62, 120}) {
		t.Errorf("got %+v", s)
	}
}
