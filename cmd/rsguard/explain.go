package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// explain is the command of that name.
func explain(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	var cfg validator.Config
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	appendTo := func(list *[]string) func(string) error {
		return func(s string) error { *list = append(*list, s); return nil }
	}
	flags.Func("issuer", "the `issuer` of the token; may be repeated", appendTo(&cfg.Issuers))
	flags.Func("audience", "an `identifier` of the API; may be repeated", appendTo(&cfg.Audiences))
	flags.Func("algorithm", "an allowed `algorithm` in place of RS256; may be repeated", func(s string) error {
		cfg.Algorithms = append(cfg.Algorithms, validator.Algorithm(s))
		return nil
	})
	flags.BoolVar(&cfg.RequireRFC9068, "rfc9068", false, "demand what RFC 9068 demands")
	keySet := flags.String("jwks", "", "the `URL` of the key set of all these issuers, for those without discovery")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: rsguard explain -issuer URL -audience API [TOKEN]")
		fmt.Fprintln(flags.Output(), "Without TOKEN it is read from standard input, where other users of the machine cannot see it.")
		flags.PrintDefaults()
	}
	if err := parse(flags, args, errOut, 1); err != nil {
		return err
	}

	v, err := newExplainer(cfg, *keySet)
	if err != nil {
		return misuse("%w", err)
	}
	if file, ok := in.(*os.File); ok && flags.NArg() == 0 && isTerminal(file) {
		fmt.Fprintln(errOut, "Paste the token, then press Enter and Ctrl-D.")
	}
	token, err := readToken(flags.Arg(0), in)
	if err != nil {
		return err
	}
	report := v.Explain(ctx, token)
	if _, err := fmt.Fprint(out, report); err != nil {
		return err
	}
	if report.Err != nil {
		return errTold
	}
	return nil
}

func newExplainer(cfg validator.Config, keySet string) (*validator.Validator, error) {
	if keySet != "" {
		keys, err := jwks.NewCache(jwks.Config{URL: keySet})
		if err != nil {
			return nil, err
		}
		cfg.Keys = keys
	}
	return validator.New(cfg)
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// readToken forgives what comes along when a token is copied from a header.
func readToken(argument string, in io.Reader) (string, error) {
	token := argument
	if token == "" {
		read, err := io.ReadAll(io.LimitReader(in, validator.MaxMaxTokenSize+1))
		if err != nil {
			return "", err
		}
		token = string(read)
	}
	token = bare(token)
	if token == "" {
		return "", errors.New("there is no token, neither as an argument nor on standard input")
	}
	return token, nil
}

func bare(token string) string {
	token = strings.TrimSpace(token)
	if _, rest, ok := strings.Cut(token, "Authorization:"); ok {
		token = strings.TrimSpace(rest)
	}
	if scheme, rest, ok := strings.Cut(token, " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		token = strings.TrimSpace(rest)
	}
	return token
}
