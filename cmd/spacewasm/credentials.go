package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// localToken is where a server that was started in this folder put its token.
const localToken = "spacewasm-data/token" //nolint:gosec // the name of a file

// foundToken is a token, and the words for where it came from.
type foundToken struct {
	value, source string
	// unproven is a token that nobody gave for this server.
	unproven bool
}

// findToken looks for the token of the server at base: the flag, the variable,
// what login stored, and for this machine the folder of a server that was
// started here.
func (c *cli) findToken(base *url.URL) (foundToken, error) {
	if c.token != "" {
		source := "--token"
		if c.tokenFromEnv != "" {
			source = "the variable " + c.tokenFromEnv
		}
		return foundToken{value: strings.TrimSpace(c.token), source: source}, nil
	}
	file, err := c.credentialsFile()
	if err != nil {
		return foundToken{}, err
	}
	stored, err := readCredentials(file)
	if err != nil {
		return foundToken{}, err
	}
	if token := stored.Tokens[base.String()]; token != "" {
		return foundToken{value: token, source: "`spacewasm login`, which stored it in " + file}, nil
	}
	if isLoopback(base) {
		if text, err := os.ReadFile(localToken); err == nil {
			return foundToken{value: strings.TrimSpace(string(text)), source: "./" + localToken, unproven: true}, nil
		}
	}
	return foundToken{}, noToken(base, stored)
}

func noToken(base *url.URL, stored credentials) error {
	ways := "`spacewasm login %s` stores one; or set SPACEWASM_TOKEN, or give --token.\n" +
		"The server wrote its token to the file `token` in its data folder"
	if isLoopback(base) {
		ways += ";\nin the folder where `spacewasm serve` was started it is found without any of this"
	}
	if known := slices.Sorted(maps.Keys(stored.Tokens)); len(known) > 0 {
		ways = "you are logged in to " + strings.Join(known, " and ") + ": did you mean that, with --server or SPACEWASM_SERVER?\nElse " + ways
	}
	return hint(&noTokenError{server: base.String()}, ways, base)
}

// noTokenError says that no token was found for a server.
type noTokenError struct{ server string }

func (e *noTokenError) Error() string { return "no token for " + e.server }

// credentials is what login stores: tokens by the origin of their server.
type credentials struct {
	Tokens map[string]string `json:"tokens"`
}

func (c *cli) credentialsFile() (string, error) {
	dir, err := c.configDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for settings: %w", err)
	}
	return filepath.Join(dir, "spacewasm", "credentials.json"), nil
}

// readCredentials reads what login stored; no file means nothing.
func readCredentials(file string) (credentials, error) {
	stored := credentials{Tokens: map[string]string{}}
	text, err := os.ReadFile(file) //nolint:gosec // the user's own settings
	if errors.Is(err, fs.ErrNotExist) {
		return stored, nil
	}
	if err != nil {
		return stored, fmt.Errorf("read the stored tokens: %w", err)
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return stored, hint(fmt.Errorf("read the stored tokens in %s: %w", file, err), "mend the file or delete it, and log in again")
	}
	if stored.Tokens == nil {
		stored.Tokens = map[string]string{}
	}
	return stored, nil
}

// writeCredentials replaces the file in one step, so that a crash leaves the old
// tokens or the new.
func writeCredentials(file string, stored credentials) error {
	text, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the tokens: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("store the token: %w", err)
	}
	// CreateTemp gives the file mode 0600.
	temp, err := os.CreateTemp(filepath.Dir(file), ".credentials-*")
	if err != nil {
		return fmt.Errorf("store the token: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("store the token: %w", err)
	}
	return nil
}
