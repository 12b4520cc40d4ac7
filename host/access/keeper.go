package access

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Keeper makes and revokes tokens and app keys; its guard knows of each change
// before the change is answered. It is safe for concurrent use.
type Keeper struct {
	guard *Guard
	store *store.Store
	// mu is held from a change to what the guard knows of it, so that an older list
	// never takes the place of a newer one.
	mu sync.Mutex
}

// NewKeeper returns a keeper, and lets the guard know what the store has.
func NewKeeper(ctx context.Context, guard *Guard, from *store.Store) (*Keeper, error) {
	k := &Keeper{guard: guard, store: from}
	return k, k.Reload(ctx)
}

// Reload lets the guard know what the store has, after others have changed it: with
// an app go its keys and tokens.
func (k *Keeper) Reload(ctx context.Context) error {
	return k.change(ctx, func() error { return nil })
}

// change makes a change and lets the guard know what is so then. If that cannot be
// found out, nobody but who has the token in the file comes in: a token that was
// revoked must not go on.
func (k *Keeper) change(ctx context.Context, do func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := do()
	// Also for who has gone, and after a failure: a commit may have come through.
	t, err := k.read(context.WithoutCancel(ctx))
	k.guard.table.Store(t)
	if err != nil {
		return fmt.Errorf("look what tokens and keys there are: %w", err)
	}
	return changed
}

// read returns what the store has, and nothing with an error.
func (k *Keeper) read(ctx context.Context) (*table, error) {
	tokens, err := k.store.Tokens(ctx)
	if err != nil {
		return newTable(nil, nil), store.Explain(err)
	}
	keys, err := k.store.AppKeys(ctx, "")
	if err != nil {
		return newTable(nil, nil), store.Explain(err)
	}
	return newTable(tokens, keys), nil
}

// CheckName tells whether a token or a key may have the name.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$`).MatchString(name) || strings.HasSuffix(name, " ") {
		return space.Errorf(space.CodeBadRequest,
			"the name %.80q: want 1 to 64 letters, digits, blanks and any of ._- with a letter or digit first, and no blank last", name)
	}
	return nil
}

// Tokens returns the tokens beside the one in the file, by name.
func (k *Keeper) Tokens(ctx context.Context) ([]store.Token, error) {
	tokens, err := k.store.Tokens(ctx)
	return tokens, store.Explain(err)
}

// CreateToken makes a token, for one app or, if that is "", for all, and returns its
// value, which nobody can find out later.
func (k *Keeper) CreateToken(ctx context.Context, name string, app space.AppName) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if strings.EqualFold(name, FileToken) {
		return "", space.Errorf(space.CodeBadRequest, "the name %q is that of the token in the server's file: choose another", name)
	}
	value := newToken()
	err := k.change(ctx, func() error {
		return k.store.AddToken(ctx, store.Token{Name: name, App: app, Hash: hashOf(value), Created: now()})
	})
	if err != nil {
		return "", refusal(err, "token "+quote(name), "revoke one")
	}
	return value, nil
}

// RevokeToken deletes a token.
func (k *Keeper) RevokeToken(ctx context.Context, name string) error {
	err := k.change(ctx, func() error { return k.store.RemoveToken(ctx, name) })
	return refusal(err, "token "+quote(name), "")
}

// AppKeys returns the keys of an app, by name.
func (k *Keeper) AppKeys(ctx context.Context, app space.AppName) ([]store.AppKey, error) {
	keys, err := k.store.AppKeys(ctx, app)
	return keys, store.Explain(err)
}

// CreateAppKey makes a key of an app, and returns its value, which nobody can find
// out later.
func (k *Keeper) CreateAppKey(ctx context.Context, app space.AppName, name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	value := newKey()
	err := k.change(ctx, func() error {
		return k.store.AddAppKey(ctx, store.AppKey{App: app, Name: name, Hash: hashOf(value), Created: now()})
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", space.Errorf(space.CodeNotFound, "there is no app %q", app)
	case err != nil:
		return "", refusal(err, fmt.Sprintf("key %s of %s", quote(name), app), "delete one")
	}
	return value, nil
}

// DeleteAppKey deletes a key of an app.
func (k *Keeper) DeleteAppKey(ctx context.Context, app space.AppName, name string) error {
	err := k.change(ctx, func() error { return k.store.RemoveAppKey(ctx, app, name) })
	return refusal(err, fmt.Sprintf("key %s of %s", quote(name), app), "")
}

// refusal is what who asked for a change is told.
func refusal(err error, what, mend string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return space.Errorf(space.CodeNotFound, "there is no %s", what)
	case errors.Is(err, store.ErrExists):
		return space.Errorf(space.CodeRefused, "there is a %s already: choose another name, or %s of that name first", what, mend)
	case errors.Is(err, store.ErrTooMany):
		return space.Errorf(space.CodeRefused, "there are %d already: %s first", store.MaxTokens, mend)
	}
	return store.Explain(err)
}

func quote(name string) string { return fmt.Sprintf("%.80q", name) }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
