package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// product is what everybody may know of what is for sale. Prices are in cents.
type product struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Price int    `json:"price"`
}

// goods is a product as the shop knows it.
type goods struct {
	product
	Cost  int `json:"cost"` // what the shop pays for it
	Stock int `json:"stock"`
}

// coupon takes a part off a cart.
type coupon struct {
	Code    string `json:"code"`
	Percent int    `json:"percent"`
}

// catalogue is products.json: what is for sale, and the rules of its prices.
type catalogue struct {
	Currency string   `json:"currency"`
	Goods    []goods  `json:"products"`
	Coupons  []coupon `json:"coupons"`
	Bulk     struct { // for so many of one product, so much off
		Quantity int `json:"quantity"`
		Percent  int `json:"percent"`
	} `json:"bulk"`
	Shipping struct {
		Price    int `json:"price"`
		FreeFrom int `json:"free_from"`
	} `json:"shipping"`
}

func loadCatalogue(files fs.FS) (*catalogue, error) {
	text, err := fs.ReadFile(files, "products.json")
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	var c catalogue
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return &c, c.check()
}

// check finds mistakes of the shop's owner at the push, before a customer does.
func (c *catalogue) check() error {
	seen := map[string]bool{}
	for _, g := range c.Goods {
		if g.ID == "" || g.Name == "" || g.Price <= 0 || seen[g.ID] {
			return fmt.Errorf("products.json: product %q needs an id of its own, a name and a price", g.ID)
		}
		seen[g.ID] = true
	}
	for _, percent := range append(c.percents(), c.Bulk.Percent) {
		if percent < 0 || percent > 100 {
			return fmt.Errorf("products.json: %d percent is no discount", percent)
		}
	}
	return nil
}

func (c *catalogue) percents() (all []int) {
	for _, coupon := range c.Coupons {
		all = append(all, coupon.Percent)
	}
	return all
}

// products is what everybody may see.
func (c *catalogue) products() []product {
	shown := make([]product, len(c.Goods))
	for i, g := range c.Goods {
		shown[i] = g.product
	}
	return shown
}

func (c *catalogue) product(id string) (product, bool) {
	for _, g := range c.Goods {
		if g.ID == id {
			return g.product, true
		}
	}
	return product{}, false
}

// summary is for the owner.
type summary struct {
	Products   int      `json:"products"`
	StockUnits int      `json:"stock_units"`
	StockCost  int      `json:"stock_cost"`
	Margins    []margin `json:"margins"`
	SigningKey string   `json:"signing_key"` // where it is from
}

// margin is what the shop makes of a product.
type margin struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Price   int    `json:"price"`
	Cost    int    `json:"cost"`
	Percent int    `json:"percent"`
	Stock   int    `json:"stock"`
}

func (c *catalogue) summary() summary {
	s := summary{Products: len(c.Goods)}
	for _, g := range c.Goods {
		s.StockUnits += g.Stock
		s.StockCost += g.Stock * g.Cost
		s.Margins = append(s.Margins, margin{g.ID, g.Name, g.Price, g.Cost, (g.Price - g.Cost) * 100 / g.Price, g.Stock})
	}
	return s
}
