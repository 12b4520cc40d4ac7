package preview1

import (
	"encoding/binary"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	subscriptionSize = 48
	eventSize        = 32
	// maxSubscriptions is far more than descriptors there can be.
	maxSubscriptions = 4096
)

// The kinds of events.
const (
	eventClock   byte = 0
	eventFdRead  byte = 1
	eventFdWrite byte = 2
)

// subscription is something that a guest waits for.
type subscription struct {
	userdata uint64
	kind     byte
	clock    uint32
	timeout  uint64
	absolute bool
	fd       uint32
}

// event is what happened.
type event struct {
	userdata uint64
	errno    Errno
	kind     byte
	bytes    uint64
	hangup   bool
}

// poll is one call of poll_oneoff.
type poll struct {
	call
	events []event
	// What the host is to be asked of, and the subscriptions behind it.
	hosts  []syscall.RawConn
	masks  []int16
	behind []subscription
	// clocks are the subscriptions to them, with the time that is left.
	clocks []timer
}

type timer struct {
	subscription
	left time.Duration
}

// pollOneoff waits until one of the things happens that the guest waits for.
func pollOneoff(c call) error {
	n := c.u32(2)
	if n == 0 || n > maxSubscriptions {
		return errnoInval
	}
	in, err := c.bytes(c.u32(0), n*subscriptionSize)
	if err != nil {
		return err
	}
	out, err := c.bytes(c.u32(1), n*eventSize)
	if err != nil {
		return err
	}
	p := &poll{call: c}
	for range n {
		if err := p.subscribe(parseSubscription(in)); err != nil {
			return err
		}
		in = in[subscriptionSize:]
	}
	if err := p.wait(); err != nil {
		return err
	}
	for i, e := range p.events {
		e.put(out[i*eventSize:])
	}
	return c.putU32(c.u32(3), uint32(len(p.events)))
}

func parseSubscription(b []byte) subscription {
	const absolute = 1
	s := subscription{userdata: binary.LittleEndian.Uint64(b), kind: b[8]}
	if s.kind == eventClock {
		s.clock = binary.LittleEndian.Uint32(b[16:])
		s.timeout = binary.LittleEndian.Uint64(b[24:])
		s.absolute = binary.LittleEndian.Uint16(b[40:])&absolute != 0
	} else {
		s.fd = binary.LittleEndian.Uint32(b[16:])
	}
	return s
}

func (e event) put(b []byte) {
	clear(b[:eventSize])
	binary.LittleEndian.PutUint64(b, e.userdata)
	binary.LittleEndian.PutUint16(b[8:], uint16(e.errno))
	b[10] = e.kind
	binary.LittleEndian.PutUint64(b[16:], e.bytes)
	if e.hangup {
		b[24] = 1
	}
}

// subscribe notes what is to be waited for; what has happened becomes an event
// at once, and so does what is wrong with one subscription.
func (p *poll) subscribe(s subscription) error {
	switch s.kind {
	case eventClock:
		left, err := p.remaining(s)
		if err != nil {
			p.happened(s, errnoOf(err))
			return nil
		}
		p.clocks = append(p.clocks, timer{s, left})
	case eventFdRead, eventFdWrite:
		p.subscribeFd(s)
	default:
		return errnoInval
	}
	return nil
}

// remaining is the time until a clock shows what a subscription waits for. A
// sleep may be longer than time.Duration holds.
func (p *poll) remaining(s subscription) (time.Duration, error) {
	now, err := p.p.now(s.clock)
	if err != nil {
		return 0, err
	}
	wait := s.timeout
	if s.absolute {
		wait = 0
		if s.timeout > now {
			wait = s.timeout - now
		}
	}
	const most = 1<<62 - 1
	return time.Duration(min(wait, most)), nil
}

func (p *poll) subscribeFd(s subscription) {
	d, err := p.p.table.get(s.fd)
	if err != nil {
		p.happened(s, errnoBadf)
		return
	}
	right, mask := rightFdRead, int16(unix.POLLIN)
	if s.kind == eventFdWrite {
		right, mask = rightFdWrite, unix.POLLOUT
	}
	var host syscall.RawConn
	switch res := d.res.(type) {
	case *listener:
		right, host = rightSockAccept, res.host
	case *stream:
		host = res.host
	case *directory:
		p.happened(s, errnoBadf)
		return
	}
	switch {
	case d.rights.base&right == 0:
		p.happened(s, errnoBadf)
	case host == nil:
		p.events = append(p.events, event{userdata: s.userdata, kind: s.kind, bytes: ready(d.res, s.kind)})
	default:
		p.hosts = append(p.hosts, host)
		p.masks = append(p.masks, mask)
		p.behind = append(p.behind, s)
	}
}

// ready is how many bytes can be read at once, as far as that is known.
func ready(res resource, kind byte) uint64 {
	if kind != eventFdRead {
		return 0
	}
	switch res := res.(type) {
	case *file:
		return uint64(res.left())
	case *stream:
		if r, ok := res.r.(interface{ Len() int }); ok {
			return uint64(r.Len())
		}
	}
	return 0
}

// left is how many bytes are ahead of the position.
func (f *file) left() int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	pos, err := f.Seek(0, 1)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-pos)
}

func (p *poll) happened(s subscription, errno Errno) {
	p.events = append(p.events, event{userdata: s.userdata, kind: s.kind, errno: errno})
}

// wait waits until there is an event.
func (p *poll) wait() error {
	patience := Forever
	for _, t := range p.clocks {
		if patience == Forever || t.left < patience {
			patience = t.left
		}
	}
	if len(p.events) > 0 {
		patience = 0
	}
	began := time.Now()
	if len(p.hosts) > 0 {
		if err := p.ask(patience); err != nil {
			return err
		}
	} else if patience != 0 {
		Sleep(p.ctx, patience)
	}
	took := time.Since(began)
	for _, t := range p.clocks {
		if t.left <= took {
			p.happened(t.subscription, 0)
		}
	}
	return nil
}

// ask waits for the host's descriptors.
func (p *poll) ask(patience time.Duration) error {
	set, err := pollSet(p.hosts, p.masks)
	if err != nil {
		return err
	}
	if err := waitFor(p.ctx, set, patience); err != nil {
		return err
	}
	for i, fd := range set {
		if fd.Revents != 0 {
			s := p.behind[i]
			p.events = append(p.events, event{
				userdata: s.userdata, kind: s.kind, bytes: 1, hangup: fd.Revents&unix.POLLHUP != 0,
			})
		}
	}
	return nil
}
