package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Organization demands that the token is for one of these organizations of
// Auth0. What begins with "org_" is an ID, and compared with "org_id"; anything
// else is a name, and compared in lower case with "org_name". Either claim must
// match exactly, and a token without the claim doesn't. Its error is of
// [CodeOrganization].
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
// function finds that in the context, and returns an ID or a name. If it
// returns an error, that refuses the request; an empty string is an error of
// [CodeOrganization].
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

// An organization has an ID or a name. What it is to be compared with is
// decided by how it was written.
type organization struct{ id, name string }

func organizationOf(idOrName string) organization {
	if strings.HasPrefix(idOrName, organizationPrefix) {
		return organization{id: idOrName}
	}
	// Auth0's names are ASCII in lower case. Letters beyond it must not become
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
	// A token for no organization has no name, and that is not one to match.
	return o.name != "" && c.OrgName == o.name
}

func organizationRefusal(wanted ...string) *Error {
	return &Error{
		Code: CodeOrganization,
		Err:  errors.New("the token is not for an organization of " + quoteAll(wanted)),
	}
}
