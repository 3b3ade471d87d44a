package validator

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// MarshalJSON returns the token's claims as they were signed, including private
// ones. It ignores later changes to the fields of c. If c was not made by a
// Validator or [NewClaims], it returns the fields under the names of their
// claims.
//
// Use it to pass claims on, but not for logs. See [Claims.LogValue].
func (c Claims) MarshalJSON() ([]byte, error) {
	if c.payload != "" {
		return []byte(c.payload), nil
	}
	return json.Marshal(struct {
		Issuer          string            `json:"iss,omitempty"`
		Subject         string            `json:"sub,omitempty"`
		ID              string            `json:"jti,omitempty"`
		ClientID        string            `json:"client_id,omitempty"`
		AuthorizedParty string            `json:"azp,omitempty"`
		OrgID           string            `json:"org_id,omitempty"`
		OrgName         string            `json:"org_name,omitempty"`
		SessionID       string            `json:"sid,omitempty"`
		GrantType       string            `json:"gty,omitempty"`
		Audience        []string          `json:"aud,omitempty"`
		Scope           string            `json:"scope,omitempty"`
		Permissions     []string          `json:"permissions,omitempty"`
		ExpiresAt       json.Number       `json:"exp,omitempty"`
		NotBefore       json.Number       `json:"nbf,omitempty"`
		IssuedAt        json.Number       `json:"iat,omitempty"`
		Confirmation    *confirmationJSON `json:"cnf,omitempty"`
	}{
		c.Issuer, c.Subject, c.ID, c.ClientID, c.AuthorizedParty, c.OrgID, c.OrgName, c.SessionID, c.GrantType,
		c.Audience, strings.Join(c.Scopes, " "), c.Permissions,
		numericDate(c.ExpiresAt), numericDate(c.NotBefore), numericDate(c.IssuedAt), (*confirmationJSON)(c.Confirmation),
	})
}

type confirmationJSON struct {
	JKT     string `json:"jkt,omitempty"`
	X5TS256 string `json:"x5t#S256,omitempty"`
}

// numericDate returns a time as a NumericDate (RFC 7519, Section 2) in whole
// seconds. For the zero time it returns nil.
func numericDate(t time.Time) json.Number {
	if t.IsZero() {
		return ""
	}
	return json.Number(strconv.FormatInt(t.Unix(), 10))
}
