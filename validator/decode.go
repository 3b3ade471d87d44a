package validator

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rsguard/rsguard/internal/jose"
)

// Decode stores the token's claims, including private ones, in the value that v
// points to. The rules are those of [json.Unmarshal], except that names are
// compared exactly. With json.Unmarshal, a claim "Role" goes into a field with
// the tag `json:"role"`, so that one claim could pass for another. Decode
// returns an error in these cases:
//
//   - The name of a member, at any depth, differs by case alone from that of a
//     field of the struct that it goes to. A field for the claim "name"
//     therefore needs a tag with that very name.
//   - The names of two members of one object differ by the case of ASCII
//     letters alone, wherever the object goes.
//   - The name of a claim differs by case alone from that of a claim that this
//     package knows, such as "SUB".
//
// Other members without a field are ignored, and a map keeps names as they are.
// A type's own UnmarshalJSON reads names by its own rules. If it calls
// json.Unmarshal, they match regardless of case.
//
// Decode takes a time in proportion to the token's size, plus the time of a
// type's own UnmarshalJSON. Two limits ensure that. No known issuer comes near
// them. First, it stores at most 2,048 objects and arrays, or one for each five
// bytes of the claims if that is more. An object with members that becomes a
// map counts five times, and a slice with elements other than strings and any
// counts twice. Second, of the numbers that go into a float64 or an interface,
// only dozens may have over 19 digits, and only a few may be beyond 1e300 or
// within 1e-300.
//
// Strings share memory with the token. Use [strings.Clone] for those that are
// kept much longer than the request.
//
// The error is an [*Error] with [CodeClaim]. After an error, v may hold a part
// of the claims.
func (c *Claims) Decode(v any) error {
	if c.payload == "" {
		return &Error{Code: CodeClaim, Err: errors.New("these claims are not of a Validator or NewClaims")}
	}
	if err := jose.Decode(c.payload, v, ownNames); err != nil {
		return &Error{Code: CodeClaim, Err: &decodeError{err, v}}
	}
	return nil
}

// ownNames are the names of the claims that this package reads.
var ownNames = jose.NewNames(
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "scope", "scp", "permissions",
	"org_id", "org_name", "sid", "gty", "cnf", "auth_time", "acr", "cid", "appid", "tid",
)

// A decodeError has a text of its own, since the text of its cause may contain
// a claim's value.
type decodeError struct {
	err  error
	into any
}

func (e *decodeError) Error() string {
	switch err := e.err.(type) {
	case *json.UnmarshalTypeError:
		return fmt.Sprintf("the claim %s can't be decoded into a %v", quote(err.Field), err.Type)
	case *jose.NameError:
		return fmt.Sprintf("the claim %s differs by case alone from %s: names are exact", quote(err.Field()), quote(err.Want))
	case *jose.SyntaxError:
		return fmt.Sprintf("the claims can't be decoded into a %T: %v", e.into, err)
	}
	return fmt.Sprintf("the claims can't be decoded into a %T (%T)", e.into, e.err)
}

func (e *decodeError) Unwrap() error { return e.err }

// claim returns the value of any claim.
func (c *Claims) claim(name string) (jose.Value, bool) { return member(c.payload, name) }

// member returns the value of a member of an object that was read before.
func member(object, name string) (jose.Value, bool) {
	var o jose.Object
	o.Open(object, jose.ReadBefore)
	for o.Next() {
		if o.Member.Name == name {
			return o.Member.Value, true
		}
	}
	return jose.Value{}, false
}
