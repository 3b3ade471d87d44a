package validator

// An unknownKeyError is the cause of a rejection of a token whose key isn't
// known.
type unknownKeyError struct {
	kid string
	why error
}

func (e *unknownKeyError) Error() string { return "kid is " + quote(e.kid) + ": " + e.why.Error() }
func (e *unknownKeyError) Unwrap() error { return e.why }
