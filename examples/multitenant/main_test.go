package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who may do what, cell by cell.
const want = `A token is good on the domain that it was issued for:
GET /orders with a token                    acme.api.example.com  api.acme.example   bank.api.example.com
of acme                                     200                   401 invalid_token  401 invalid_token
of acme, by its custom domain               401 invalid_token     200                401 invalid_token
of the bank                                 401 invalid_token     401 invalid_token  200
of a stranger                               401 invalid_token     401 invalid_token  401 invalid_token
by the bank in the name of acme             401 invalid_token     401 invalid_token  401 invalid_token
by the bank, as if acme's key were its own  401 invalid_token     401 invalid_token  401 invalid_token

And for what its tenant, its scopes, permissions, organization and sign-in allow:
A token of the bank with      GET /orders             POST /orders            GET /organizations/blue  DELETE /orders
nothing                       403 insufficient_scope  403 insufficient_scope  401 invalid_token        401 insufficient_user_authentication
the scope orders:read         200                     403 insufficient_scope  401 invalid_token        401 insufficient_user_authentication
the permission orders:write   403 insufficient_scope  200                     401 invalid_token        401 insufficient_user_authentication
the scope orders:write        403 insufficient_scope  403 insufficient_scope  401 invalid_token        401 insufficient_user_authentication
the organization blue         403 insufficient_scope  403 insufficient_scope  200                      401 insufficient_user_authentication
the organization red          403 insufficient_scope  403 insufficient_scope  401 invalid_token        401 insufficient_user_authentication
a sign-in just now            403 insufficient_scope  403 insufficient_scope  401 invalid_token        200
a sign-in an hour ago         403 insufficient_scope  403 insufficient_scope  401 invalid_token        401 insufficient_user_authentication
everything, but of yesterday  401 invalid_token       401 invalid_token       401 invalid_token        401 invalid_token
`

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("run() printed (-want +got):\n%s", diff)
	}
}
