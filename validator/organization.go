package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Organization returns a Check that requires that the token is for one of these
// organizations of Auth0. A value that begins with "org_" is an ID and is
// compared with "org_id". Any other value is a name, and is compared in lower
// case with "org_name". The claim must match exactly. A token without the claim
// does not match. It fails with [CodeOrganization].
func Organization(idsOrNames ...string) Check {
	mustBe(len(idsOrNames) > 0, "Organization: no values")
	wanted := make([]organization, len(idsOrNames))
	for i, idOrName := range idsOrNames {
		mustBe(strings.TrimSpace(idOrName) == idOrName && strings.TrimPrefix(idOrName, organizationPrefix) != "",
			"Organization: %q is neither an ID nor a name", idOrName)
		wanted[i] = organizationOf(idOrName)
	}
	refusal := organizationRefusal(idsOrNames...)
	return func(_ context.Context, c *Claims) error { return unless(slices.ContainsFunc(wanted, c.isOf), refusal) }
}

// OrganizationFunc is [Organization] for services that learn from the request
// which organization it is about, such as from its path or subdomain. The
// function gets that from the context and returns an ID or a name. If it
// returns an error, the request is rejected with that error. If it returns "",
// the Check fails with [CodeOrganization].
func OrganizationFunc(idOrName func(context.Context) (string, error)) Check {
	mustBe(idOrName != nil, "OrganizationFunc: nil function")
	return func(ctx context.Context, c *Claims) error {
		wanted, err := idOrName(ctx)
		if err != nil {
			return fmt.Errorf("OrganizationFunc: %w", err)
		}
		if !c.isOf(organizationOf(wanted)) {
			return organizationRefusal(wanted)
		}
		return nil
	}
}

const organizationPrefix = "org_"

// An organization has an ID or a name. The spelling decides which.
type organization struct{ id, name string }

func organizationOf(idOrName string) organization {
	if strings.HasPrefix(idOrName, organizationPrefix) {
		return organization{id: idOrName}
	}
	// Auth0's names are ASCII in lower case. Other letters must not become
	// ASCII, as the Kelvin sign would.
	return organization{name: strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, idOrName)}
}

func (c *Claims) isOf(o organization) bool {
	if o.id != "" {
		return c.OrgID == o.id
	}
	// A token for no organization has no name. An empty name must not match it.
	return o.name != "" && c.OrgName == o.name
}

func organizationRefusal(wanted ...string) *Error {
	return &Error{
		Code: CodeOrganization,
		Err:  errors.New("the token is not for an organization of " + quoteAll(wanted)),
	}
}
