package sqlitetest

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is the script that makes the database of the queries.
//
//go:embed schema.sql
var Schema string

//go:embed queries.sql
var queries string

// Case is a query with a name, the number of its line, and what is expected of it.
type Case struct {
	Name  string
	Query Query
	Fails bool // with the same error everywhere
}

// Cases are the queries, some hundreds. A line that begins with "-- args", "-- named" or
// "-- fails" tells something of the query below it; an empty line ends a query.
func Cases() ([]Case, error) {
	var all []Case
	line := 1
	for block := range strings.SplitSeq(queries, "\n\n") {
		c := Case{Name: fmt.Sprintf("queries.sql:%d", line)}
		line += strings.Count(block, "\n") + 2
		var text []string
		for l := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			word, rest, _ := strings.Cut(strings.TrimPrefix(l, "-- "), " ")
			var err error
			switch {
			case !strings.HasPrefix(l, "-- "):
				text = append(text, l)
			case word == "args":
				err = json.Unmarshal([]byte(rest), &c.Query.Args)
			case word == "named":
				err = json.Unmarshal([]byte(rest), &c.Query.Named)
			case word == "fails":
				c.Fails = true
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", c.Name, l, err)
			}
		}
		if c.Query.SQL = strings.Join(text, "\n"); c.Query.SQL != "" {
			all = append(all, c)
		}
	}
	return all, nil
}

// Make makes the database in a file, by a driver of the name sqlite that can write.
func Make(ctx context.Context, name string) error {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, Schema); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return db.Close()
}
