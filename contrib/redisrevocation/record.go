package redisrevocation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rsguard/rsguard/revocation"
)

// A record is a rule as Redis has it. Times are Unix seconds, in which a List
// decides.
type record struct {
	Issuer       string `json:"iss"`
	ID           string `json:"jti,omitempty"`
	Subject      string `json:"sub,omitempty"`
	SessionID    string `json:"sid,omitempty"`
	ClientID     string `json:"client_id,omitempty"`
	OrgID        string `json:"org_id,omitempty"`
	Actor        string `json:"act,omitempty"`
	IssuedBefore *int64 `json:"before,omitempty"`
	Until        int64  `json:"until"`
}

// maxRecord is the length of the longest record that is read, in bytes. A List's
// limits allow seven values of 2 KiB, of which each byte may take six in JSON.
const maxRecord = 100 << 10

func encode(r revocation.Rule) (string, error) {
	rec := record{
		Issuer: r.Issuer, ID: r.ID, Subject: r.Subject, SessionID: r.SessionID, ClientID: r.ClientID, OrgID: r.OrgID, Actor: r.Actor,
		Until: r.Until.Add(time.Second - 1).Unix(), // rounded up
	}
	if !r.IssuedBefore.IsZero() {
		before := r.IssuedBefore.Unix()
		rec.IssuedBefore = &before
	}
	text, err := json.Marshal(rec)
	if err != nil {
		return "", fmt.Errorf("redisrevocation: %w", err)
	}
	return string(text), nil
}

// decode rejects members that it doesn't know. A rule without one of its values
// would be for more tokens.
func decode(text string) (revocation.Rule, error) {
	var rec record
	if len(text) > maxRecord {
		return revocation.Rule{}, fmt.Errorf("redisrevocation: a record of %d bytes, over %d", len(text), maxRecord)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&rec); err != nil {
		return revocation.Rule{}, errors.New("redisrevocation: a record that is not one of a rule") // the cause quotes values
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return revocation.Rule{}, errors.New("redisrevocation: a record with more after it")
	}
	r := revocation.Rule{
		Issuer: rec.Issuer, ID: rec.ID, Subject: rec.Subject, SessionID: rec.SessionID, ClientID: rec.ClientID, OrgID: rec.OrgID, Actor: rec.Actor,
		Until: time.Unix(rec.Until, 0),
	}
	if rec.IssuedBefore != nil {
		r.IssuedBefore = time.Unix(*rec.IssuedBefore, 0)
	}
	return r, nil
}
