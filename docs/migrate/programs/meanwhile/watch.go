package meanwhile

import (
	"net/http"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Watched guards next by the old middleware, and logs what the new one would
// reject of the requests that the old one accepts.
func Watched(old func(http.Handler) http.Handler, v middleware.Validator, next http.Handler, checks ...validator.Check) (http.Handler, error) {
	auth, err := middleware.New(middleware.Config{
		Validator:          v,
		InsecureReportOnly: true, // only behind the old middleware
	})
	if err != nil {
		return nil, err
	}
	return old(auth.Require(checks...)(next)), nil
}
