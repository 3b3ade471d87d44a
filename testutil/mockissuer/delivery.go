package mockissuer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Delivery is how the sending of one signal went.
type Delivery struct {
	Time time.Time // of the last change
	Kind string    // "logout token" or "security event token"
	// URL is where it was sent, or empty for a stream that is polled.
	URL string
	ID  string // jti
	// Attempts is how often it was sent, and Status the last response's. It is
	// 0 if there was none. A SET that is polled has the status 200 once it was
	// acknowledged, and 400 once its receiver has reported an error.
	Attempts, Status int
	// Err is what was wrong with the last attempt, or nil.
	Err error
	// Pending reports whether it will be sent again, or waits to be polled.
	Pending bool
}

// keptDeliveries is the number of deliveries that [Issuer.Deliveries] returns
// at most, and of SETs that wait for a poll.
const keptDeliveries = 1000

// The times of deliveries.
const (
	attempts       = 8 // of one signal
	firstRetry     = time.Second
	deliverTimeout = 10 * time.Second
	// overtaking is for how long a signal waits at most to be overtaken.
	overtaking = 10 * time.Second
)

// An outgoing is a signal on its way.
type outgoing struct {
	url, authorization, kind string
	stream                   int // if url is empty
	token                    Token
	form                     bool // it is a logout token

	entry *Delivery
}

// Deliveries returns the signals that were sent last, newest first.
func (iss *Issuer) Deliveries() []Delivery {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	list := make([]Delivery, 0, len(iss.deliveries))
	for i := len(iss.deliveries) - 1; i >= 0; i-- {
		list = append(list, *iss.deliveries[i])
	}
	return list
}

// deliver sends a signal in the background. A failure is tried again after a
// second, then two, four and so on, eight times in all. A receiver that answers
// 400 has rejected the signal, and it isn't sent again.
func (iss *Issuer) deliver(o *outgoing) {
	faults := iss.takeSignalFaults(FaultLate, FaultTwice, FaultOutOfOrder, FaultWrongKey)
	id, _ := o.token.Claims["jti"].(string)
	o.entry = &Delivery{Time: iss.Now(), Kind: o.kind, URL: o.url, ID: id, Pending: true}
	signed, err := iss.signSignal(o.token, faults)

	iss.mu.Lock()
	defer iss.mu.Unlock()
	select {
	case <-iss.done:
		return
	default:
	}
	if len(iss.deliveries) == keptDeliveries {
		iss.deliveries = iss.deliveries[1:]
	}
	iss.deliveries = append(iss.deliveries, o.entry)
	if err != nil {
		o.entry.Err, o.entry.Pending = err, false
		return
	}
	to := fmt.Sprint(o.url, " ", o.stream)
	if before, ok := iss.overtaken[to]; ok {
		close(before)
		delete(iss.overtaken, to)
	}
	var overtaken chan struct{}
	if _, ok := faults[FaultOutOfOrder]; ok {
		overtaken = make(chan struct{})
		iss.overtaken[to] = overtaken
	}
	iss.sending.Add(1)
	go func() { // ends with Close
		defer iss.sending.Done()
		iss.send(o, signed, faults, overtaken)
	}()
}

func (iss *Issuer) signSignal(t Token, faults map[FaultKind]Fault) (string, error) {
	if _, ok := faults[FaultWrongKey]; ok {
		f, err := iss.forger(DefaultAudience)
		if err != nil {
			return "", err
		}
		t.Algorithm, t.Key, t.KeyID = f.alg, f.stranger, f.kid
	}
	return iss.Sign(t)
}

// send waits and sends as the faults say.
func (iss *Issuer) send(o *outgoing, signed string, faults map[FaultKind]Fault, overtaken chan struct{}) {
	if f, ok := faults[FaultLate]; ok && iss.wait(context.Background(), cmp.Or(f.Delay, time.Second)) != nil {
		return
	}
	if overtaken != nil {
		timer := time.NewTimer(overtaking)
		defer timer.Stop()
		select {
		case <-overtaken:
			// So that the other one is there first.
			if iss.wait(context.Background(), 500*time.Millisecond) != nil {
				return
			}
		case <-timer.C:
		case <-iss.done:
			return
		}
	}
	_, twice := faults[FaultTwice]
	if o.url == "" {
		iss.queue(o, signed, twice)
		return
	}
	if iss.push(o, signed) && twice {
		iss.attempt(o, signed)
	}
}

// push sends a signal until it was taken or rejected. It reports false if it was
// neither.
func (iss *Issuer) push(o *outgoing, signed string) bool {
	for n := range attempts {
		if n > 0 && iss.wait(context.Background(), firstRetry<<(n-1)) != nil {
			return false
		}
		if iss.attempt(o, signed) {
			return true
		}
	}
	iss.note(o, func(d *Delivery) { d.Pending = false })
	return false
}

// attempt sends a signal once. It reports whether it was taken or rejected.
func (iss *Issuer) attempt(o *outgoing, signed string) bool {
	status, err := iss.post(o, signed)
	final := err == nil && status < 500 && status != http.StatusTooManyRequests
	if final && status >= 300 {
		err = fmt.Errorf("the receiver has rejected it with status %d", status)
	}
	iss.note(o, func(d *Delivery) {
		d.Attempts++
		d.Status, d.Err, d.Pending = status, err, !final
	})
	return final
}

func (iss *Issuer) post(o *outgoing, signed string) (status int, err error) {
	if _, ok := iss.takeSignalFaults(FaultUnreachable)[FaultUnreachable]; ok {
		return 0, errors.New("this failure was asked for: the receiver can't be reached")
	}
	ctx, cancel := context.WithTimeout(iss.closing, deliverTimeout)
	defer cancel()
	body, contentType := signed, "application/secevent+jwt" // RFC 8935, Section 2.1
	if o.form {
		body, contentType = url.Values{"logout_token": {signed}}.Encode(), "application/x-www-form-urlencoded"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", contentType)
	if o.authorization != "" {
		req.Header.Set("Authorization", o.authorization)
	}
	client := cmp.Or(iss.cfg.Sender, http.DefaultClient)
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode, nil
}

// note changes the entry of a delivery.
func (iss *Issuer) note(o *outgoing, change func(*Delivery)) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	change(o.entry)
	o.entry.Time = iss.now()
}
