package validator

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rsguard/rsguard/internal/jose"
)

// Decode stores the token's claims, private ones included, in the value that v
// points to. The rules are those of [json.Unmarshal], but that names are
// compared exactly. json.Unmarshal takes a claim "Role" for a field with the
// tag `json:"role"`, so that one claim could pass for another. With Decode it
// is an error
//
//   - if the name of a member, at any depth, differs by case alone from that of
//     a field of the struct that it goes to: a field for the claim "name" needs
//     that very name, so it has a tag;
//   - if the names of two members of one object differ by the case of ASCII
//     letters alone, wherever the object goes;
//   - if the name of a claim differs by case alone from that of a claim that
//     this package knows, such as "SUB".
//
// Other members that have no field are ignored, and a map keeps names as they
// are. What a type's own UnmarshalJSON makes of names is up to that method: if
// it calls json.Unmarshal, names match there regardless of case.
//
// Decode takes a time in proportion to the token's size, plus what a type's own
// UnmarshalJSON takes. Two limits see to that, which no known issuer comes
// near. It stores at most 2,048 objects and arrays, or one to five bytes of the
// claims if that is more, where an object with members that becomes a map
// counts five times, and a slice with elements other than strings and any
// counts twice. Of numbers that go into a float64 or an interface, only
// dozens may have over 19 digits, and only a few may be beyond 1e300 or within
// 1e-300.
//
// Strings share memory with the token: use [strings.Clone] for those that
// outlive the request by far.
//
// All errors are of type [*Error], with [CodeClaim]. After an error, v may hold
// a part of the claims.
func (c *Claims) Decode(v any) error {
	if c.payload == "" {
		return &Error{Code: CodeClaim, Err: errors.New("these claims are not of a Validator or NewClaims")}
	}
	if err := jose.Decode(c.payload, v, ownNames); err != nil {
		return &Error{Code: CodeClaim, Err: &decodeError{err, v}}
	}
	return nil
}

// ownNames are the names of claims with a meaning here.
var ownNames = jose.NewNames(
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "scope", "scp", "permissions",
	"org_id", "org_name", "gty", "cnf", "auth_time", "acr", "cid", "appid", "tid",
)

// A decodeError has a text of its own, for that of its cause may have a claim's
// value in it.
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

// member returns the value of a member of an object that has been read before.
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
