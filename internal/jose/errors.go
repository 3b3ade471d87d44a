package jose

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says why a text is not a strict token or not strict JSON. Its
// text is for logs. It is made when it is read. It holds the name of a member
// at most, and no other part of the input.
type SyntaxError struct {
	format string
	args   []any
}

func (e *SyntaxError) Error() string {
	if len(e.args) == 0 {
		return e.format
	}
	return fmt.Sprintf(e.format, e.args...)
}

// The causes that deserve advice of their own when a string is not a compact
// JWS.
var (
	ErrOpaque    = &SyntaxError{format: "this is an opaque token, not a JWT"}
	ErrEncrypted = &SyntaxError{format: "this is an encrypted token (JWE)"}
)

var (
	errCritical  = &SyntaxError{format: `the token's header has "crit"`}
	errUnencoded = &SyntaxError{format: `the token's header has "b64" other than true`}

	errUTF8      = &SyntaxError{format: "JSON is not valid UTF-8"}
	errNotObject = &SyntaxError{format: "JSON is not an object"}
	errTrailing  = &SyntaxError{format: "JSON has something after the object"}
	errJSON      = &SyntaxError{format: "JSON is malformed"}
	errString    = &SyntaxError{format: "JSON has a malformed string"}
	errSurrogate = &SyntaxError{format: "JSON has half a surrogate pair"}
)

// errSegments is the error for a token of another form than a.b.c.
func errSegments(token string) error {
	if strings.Count(token, ".") == 2 {
		return &SyntaxError{format: "a segment of the token is empty"}
	}
	return &SyntaxError{"the token has %d segments, want 3", []any{strings.Count(token, ".") + 1}}
}

func errBase64(segment string) error {
	return &SyntaxError{"the token's %s is not strict base64url without padding", []any{segment}}
}

// errNotText is the error for a member of the header that must be a string.
func errNotText(name string, v Value) error {
	return &SyntaxError{"the token's %q is %v, want a string", []any{name, v.kind}}
}

func errDepth(limit int) error {
	return &SyntaxError{"JSON is nested too deep: over %d levels", []any{limit}}
}

func errDuplicate(name string) error {
	return &SyntaxError{"JSON has two members of one name in an object: %q", []any{cut(name)}}
}

// cut returns a copy of a name, of at most 64 bytes. With the copy, an error
// doesn't keep the whole text in memory.
func cut(name string) string {
	const most = 64
	if len(name) <= most {
		return strings.Clone(name)
	}
	end := most
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…"
}

// A SizeError says that a token, or its header, is too large.
type SizeError struct {
	What        string // "token" or "token's header"
	Size, Limit int    // in bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the %s is too large: %d bytes, over %d", e.What, e.Size, e.Limit)
}

// A MembersError says that JSON has too many members.
type MembersError struct{ Limit int }

func (e *MembersError) Error() string {
	return fmt.Sprintf("JSON has too many members: over %d", e.Limit)
}

var (
	// ErrSignature says that a signature was not made by the key.
	ErrSignature = errors.New("the signature is not valid")
	// ErrKeyMismatch says that a key can't be used with an algorithm.
	ErrKeyMismatch = errors.New("the key doesn't fit the algorithm")
)

// A SignatureSizeError is an ErrSignature for a length that no signature by the
// key has.
type SignatureSizeError struct {
	Algorithm  string
	Size, Want int  // in bytes
	DER        bool // whether it is a sequence of two integers, as in other formats
}

func (e *SignatureSizeError) Error() string {
	if e.DER {
		return fmt.Sprintf("the signature is in DER (%d bytes), and %s has R and S in %d bytes each, "+
			"one after the other (RFC 7518, Section 3.4): convert it where it is made",
			e.Size, e.Algorithm, e.Want/2)
	}
	return fmt.Sprintf("the signature has %d bytes, and %s with this key has %d", e.Size, e.Algorithm, e.Want)
}

func (e *SignatureSizeError) Unwrap() error { return ErrSignature }
