package space

// Database is a SQLite file of a Micro's bundle.
type Database struct {
	// Name is that of the file, in the bundle.
	Name     string  `json:"name"`
	Bytes    int64   `json:"bytes"`
	PageSize int     `json:"page_size"`
	Tables   []Table `json:"tables"`
	// More is how many tables there are beside Tables.
	More int `json:"more,omitempty"`
	// Fault says why it cannot be queried, of a Micro that does not; "" if it can.
	Fault string `json:"fault,omitempty"`
}

// Table is a table of a [Database].
type Table struct {
	Name string `json:"name"`
	// Rows is their number, -1 where counting them took too long.
	Rows int64 `json:"rows"`
}
