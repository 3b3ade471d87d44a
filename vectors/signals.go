package vectors

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

//go:embed signals/signals.json
var signals embed.FS

// A SignalFile has what issuers send to resource servers to revoke tokens:
// logout tokens and Security Event Tokens.
type SignalFile struct {
	About   string          `json:"about"`
	KeySet  json.RawMessage `json:"key_set"` // of the issuer
	Vectors []Signal        `json:"vectors"`
}

// A Signal is a logout token or Security Event Token, the configuration of its
// receiver, and what must follow.
type Signal struct {
	Name   string       `json:"name"`
	Why    string       `json:"why"`
	Kind   string       `json:"kind"` // logout or set
	Token  string       `json:"token"`
	Config SignalConfig `json:"config"`
	Now    float64      `json:"now"` // seconds since 1970

	// Want is Accept, or the error code of RFC 8935, Section 2.4. For a logout
	// token, the response has invalid_request in place of each of them.
	Want string `json:"want"`

	// Revokes are the tokens that are revoked. It is empty if none are.
	Revokes []Revoked `json:"revokes,omitempty"`
}

// Time returns s.Now.
func (s Signal) Time() time.Time {
	whole, frac := math.Modf(s.Now)
	return time.Unix(int64(whole), int64(math.Round(frac*1e3))*int64(time.Millisecond)).UTC()
}

// A SignalConfig configures a receiver. Absent members have their documented
// defaults.
type SignalConfig struct {
	Issuers            []string `json:"issuers"`
	Audiences          []string `json:"audiences"`
	SessionIDInTokens  bool     `json:"session_id_in_tokens,omitempty"` // access tokens have sid
	AllowMissingExpiry bool     `json:"allow_missing_expiry,omitempty"` // of logout tokens
	TokenIssuers       []string `json:"token_issuers,omitempty"`        // for which a transmitter speaks; absent: for itself

	CriticalSubjectMembers []string `json:"critical_subject_members,omitempty"` // of the transmitter's metadata
}

// A Revoked names access tokens: those that have all of its values, and were
// issued up to IssuedBefore, if that is not 0.
type Revoked struct {
	Issuer       string  `json:"iss"`
	ID           string  `json:"jti,omitempty"`
	Subject      string  `json:"sub,omitempty"`
	SessionID    string  `json:"sid,omitempty"`
	ClientID     string  `json:"client_id,omitempty"`
	OrgID        string  `json:"org_id,omitempty"`
	IssuedBefore float64 `json:"issued_before,omitempty"` // seconds since 1970
}

// Signals returns the signals of this module.
func Signals() (SignalFile, error) {
	data, err := signals.ReadFile("signals/signals.json")
	if err != nil {
		return SignalFile{}, err
	}
	return ReadSignals(data)
}

// ReadSignals reads a SignalFile. An unknown member is an error.
func ReadSignals(data []byte) (file SignalFile, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return file, fmt.Errorf("vectors: signals: %w", err)
	}
	return file, nil
}

// EncodeSignals returns the file in its stored form.
func EncodeSignals(file SignalFile) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(file); err != nil {
		return nil, fmt.Errorf("vectors: signals: %w", err)
	}
	return b.Bytes(), nil
}
