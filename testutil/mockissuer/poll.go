package mockissuer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// holdPoll is for how long a poll is held if there is no SET.
const holdPoll = 30 * time.Second

// A waitingSet is a SET that waits for a poll.
type waitingSet struct {
	id, token string
	stream    int
	twice     bool // it comes once more after its acknowledgment
	o         *outgoing
}

// queue has a SET wait for the polls of its stream.
func (iss *Issuer) queue(o *outgoing, signed string, twice bool) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	if len(iss.waiting) == keptDeliveries {
		iss.waiting = iss.waiting[1:]
	}
	iss.waiting = append(iss.waiting, &waitingSet{o.entry.ID, signed, o.stream, twice, o})
	if iss.arrived != nil {
		close(iss.arrived)
		iss.arrived = nil
	}
}

// servePoll implements RFC 8936, Section 2.
func (iss *Issuer) servePoll(w http.ResponseWriter, r *http.Request) {
	stream, ok := iss.polledStream(r.Header.Get("Authorization"))
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "No stream that is polled has this Authorization.", http.StatusUnauthorized)
		return
	}
	request := struct {
		MaxEvents         *int           `json:"maxEvents"`
		ReturnImmediately bool           `json:"returnImmediately"`
		Ack               []string       `json:"ack"`
		SetErrs           map[string]any `json:"setErrs"`
	}{}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, "The body can't be read.", http.StatusBadRequest)
		return
	}
	for _, id := range request.Ack {
		iss.settle(stream, id, nil)
	}
	for id, why := range request.SetErrs {
		iss.settle(stream, id, fmt.Errorf("the receiver has rejected it: %.200v", why))
	}

	most := keptDeliveries
	if request.MaxEvents != nil {
		most = max(*request.MaxEvents, 0)
	}
	deadline := time.Now().Add(holdPoll)
	for {
		sets, more, arrived := iss.next(stream, most)
		hold := time.Until(deadline)
		if len(sets) > 0 || most == 0 || request.ReturnImmediately || hold <= 0 {
			respondSets(w, sets, more)
			return
		}
		timer := time.NewTimer(hold)
		select {
		case <-arrived:
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return
		case <-iss.done:
			timer.Stop()
			panic(http.ErrAbortHandler)
		}
		timer.Stop()
	}
}

func respondSets(w http.ResponseWriter, sets map[string]string, more bool) {
	answer := map[string]any{"sets": sets}
	if more {
		answer["moreAvailable"] = true
	}
	body, _ := json.Marshal(answer) // strings
	w.Header().Set("Cache-Control", "no-store")
	respond(w, "application/json", string(body))
}

// polledStream returns the stream whose polls have this Authorization.
func (iss *Issuer) polledStream(authorization string) (int, bool) {
	n := slices.IndexFunc(iss.cfg.Streams, func(s Stream) bool { return s.URL == "" && s.Authorization == authorization })
	return n, n >= 0
}

// next returns up to most SETs of a stream, whether there are more, and what is
// closed when another one arrives.
func (iss *Issuer) next(stream, most int) (sets map[string]string, more bool, arrived <-chan struct{}) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	sets = make(map[string]string)
	for _, s := range iss.waiting {
		switch {
		case s.stream != stream:
		case len(sets) == most:
			more = true
		default:
			sets[s.id] = s.token
			s.o.entry.Attempts++
			s.o.entry.Time = iss.now()
		}
	}
	if iss.arrived == nil {
		iss.arrived = make(chan struct{})
	}
	return sets, more, iss.arrived
}

// settle removes a SET that was acknowledged, or rejected by err.
func (iss *Issuer) settle(stream int, id string, err error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	n := slices.IndexFunc(iss.waiting, func(s *waitingSet) bool { return s.stream == stream && s.id == id })
	if n < 0 {
		return
	}
	s := iss.waiting[n]
	if s.twice {
		s.twice = false
		return
	}
	iss.waiting = slices.Delete(iss.waiting, n, n+1)
	s.o.entry.Status, s.o.entry.Err, s.o.entry.Pending, s.o.entry.Time = http.StatusOK, err, false, iss.now()
	if err != nil {
		s.o.entry.Status = http.StatusBadRequest
	}
}

// serveTransmitter describes the issuer as a transmitter (Shared Signals
// Framework 1.0, Section 7.1).
func (iss *Issuer) serveTransmitter(w http.ResponseWriter, r *http.Request) {
	issuer := iss.issuerOf(r)
	body, _ := json.Marshal(map[string]any{ // strings
		"spec_version":               "1_0",
		"issuer":                     issuer,
		"jwks_uri":                   strings.TrimSuffix(issuer, "/") + string(EndpointKeySet),
		"delivery_methods_supported": []string{"urn:ietf:rfc:8935", "urn:ietf:rfc:8936"},
		"default_subjects":           "ALL",
	})
	respond(w, "application/json", string(body))
}
