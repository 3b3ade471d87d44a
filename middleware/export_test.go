package middleware

// TargetOf is for the test that compares it with how net/http reads a request.
var TargetOf = targetOf

// MaxForm is the length of the longest form.
const MaxForm = maxForm

// WithoutSigned is for the test that compares it with a regular expression.
var WithoutSigned = withoutSigned
