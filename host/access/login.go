package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A session lasts for sessionTime, and a ticket waits for ticketTime to be taken. Of
// tickets there are maxTickets at a time: the oldest goes for one more.
const (
	sessionTime = 30 * 24 * time.Hour
	ticketTime  = time.Minute
	maxTickets  = 1024
)

// Logins are what browsers hold in the place of a token. It is safe for concurrent use.
type Logins struct {
	key []byte
	// generation names what a token is now, "" if there is none of the name.
	generation func(token string) string
	now        func() time.Time

	mu      sync.Mutex
	tickets map[string]ticket
}

// ticket is a login on its way from the platform's host to an app's.
type ticket struct {
	token, audience, nonce string
	ends                   time.Time
}

// NewLogins returns logins whose sessions are signed with the key, and end when
// generation says something else of their token. now is the clock.
func NewLogins(key []byte, generation func(token string) string, now func() time.Time) *Logins {
	return &Logins{key: key, generation: generation, now: now, tickets: map[string]ticket{}}
}

// SessionTime is how long a session lasts.
func (*Logins) SessionTime() time.Duration { return sessionTime }

// Session makes the value of a cookie that stands for the token of the name, at one
// audience only: the platform, or an app.
func (l *Logins) Session(token, audience string) string {
	ends := l.now().Add(sessionTime).Unix()
	name := base64.RawURLEncoding.EncodeToString([]byte(token))
	return fmt.Sprintf("%s.%d.%s", name, ends, l.mac(token, audience, ends))
}

// Check returns the name of the token that the value of a cookie stands for, while
// that token is what it was.
func (l *Logins) Check(value, audience string) (token string, ok bool) {
	name, rest, _ := strings.Cut(value, ".")
	text, mac, _ := strings.Cut(rest, ".")
	ends, err := strconv.ParseInt(text, 10, 64)
	if err != nil || l.now().Unix() >= ends {
		return "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(name)
	if err != nil {
		return "", false
	}
	token = string(decoded)
	if l.generation(token) == "" || !hmac.Equal([]byte(mac), []byte(l.mac(token, audience, ends))) {
		return "", false
	}
	return token, true
}

// Secret is a text that nobody else can make, the same for the same purpose.
func (l *Logins) Secret(purpose string) string {
	mac := hmac.New(sha256.New, l.key)
	fmt.Fprintf(mac, "spacewasm secret v1 %q", purpose)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (l *Logins) mac(token, audience string, ends int64) string {
	mac := hmac.New(sha256.New, l.key)
	// Quoted, so that no two lists of words are the same text.
	fmt.Fprintf(mac, "spacewasm session v1 %q %q %q %d", token, l.generation(token), audience, ends)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Ticket lets the browser that has the nonce have a session of the token at the
// audience, once.
func (l *Logins) Ticket(token, audience, nonce string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	oldest, first := "", now.Add(2*ticketTime)
	for id, t := range l.tickets {
		switch {
		case now.After(t.ends):
			delete(l.tickets, id)
		case t.ends.Before(first):
			oldest, first = id, t.ends
		}
	}
	if len(l.tickets) >= maxTickets {
		delete(l.tickets, oldest)
	}
	id := rand.Text()
	l.tickets[id] = ticket{token: token, audience: audience, nonce: nonce, ends: now.Add(ticketTime)}
	return id
}

// Redeem takes a ticket, and returns the name of its token if it was for the audience
// and the nonce. Whoever tries it, it is gone.
func (l *Logins) Redeem(id, audience, nonce string) (token string, ok bool) {
	l.mu.Lock()
	t, known := l.tickets[id]
	delete(l.tickets, id)
	l.mu.Unlock()
	if !known || l.now().After(t.ends) || t.audience != audience || nonce == "" || !hmac.Equal([]byte(t.nonce), []byte(nonce)) {
		return "", false
	}
	return t.token, l.generation(t.token) != ""
}
