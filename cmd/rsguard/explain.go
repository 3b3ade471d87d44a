package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// explain runs the command of that name.
func explain(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	var o explainOptions
	flags := o.flags()
	if err := parseExplain(flags, args, errOut); err != nil {
		return err
	}
	v, wrong := o.validator()
	if wrong != nil && len(o.cfg.Issuers) > 0 && len(o.cfg.Audiences) > 0 {
		return misuse("%s", inFlags(wrong.Error()))
	}
	text := flags.Arg(0)
	if flags.NArg() == 0 {
		if file, ok := in.(*os.File); ok && isTerminal(file) {
			fmt.Fprintln(errOut, "Paste the token, then press Enter and Ctrl-D.")
		}
		read, err := io.ReadAll(io.LimitReader(in, maxFile+1))
		if err != nil {
			return err
		}
		text = string(read)
	}
	token, what, err := pasted(text)
	if wrong != nil {
		// Without an issuer or an API there is no verdict, but whose token it
		// is may help to name them.
		if err == nil {
			_, _ = io.WriteString(out, guess(token, nil))
		}
		return misuse("%s", inFlags(wrong.Error()))
	}
	if err != nil {
		return err
	}

	if what != "" {
		what = "pasted: " + what + "\n"
	}
	report := v.Explain(ctx, token)
	if _, err := io.WriteString(out, what+inFlags(report.String())+guess(token, report.Err)); err != nil {
		return err
	}
	if report.Err != nil {
		return errTold
	}
	return nil
}

// explainOptions are the values of the flags.
type explainOptions struct {
	cfg            validator.Config
	keySet, secret string // a URL or a file, and a file
}

func (o *explainOptions) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	appendTo := func(list *[]string) func(string) error {
		return func(s string) error { *list = append(*list, s); return nil }
	}
	flags.Func("issuer", "the `issuer` of the token; may be repeated", appendTo(&o.cfg.Issuers))
	flags.Func("audience", "an `identifier` of the API; may be repeated", appendTo(&o.cfg.Audiences))
	flags.Func("algorithm", "an allowed `algorithm` in place of RS256; may be repeated", func(s string) error {
		o.cfg.Algorithms = append(o.cfg.Algorithms, validator.Algorithm(s))
		return nil
	})
	flags.BoolVar(&o.cfg.RequireRFC9068, "rfc9068", false, "require what RFC 9068 requires")
	flags.BoolVar(&o.cfg.InsecureSkipTypeCheck, "insecure-skip-type-check", false, "accept tokens of every type, ID tokens included")
	flags.StringVar(&o.cfg.AudienceClaim, "audience-claim", "", "the `claim` that stands in for aud in tokens without one, such as client_id")
	flags.BoolVar(&o.cfg.InsecureHTTP, "insecure-http", false, "fetch metadata and key sets over http from any host")
	flags.IntVar(&o.cfg.MaxTokenSize, "max-token-size", 0, "the length of the longest token, in `bytes`; 16384 if it is left out")
	flags.StringVar(&o.keySet, "jwks", "", "the key set of all these issuers, a `URL or file`; by discovery if it is left out")
	flags.StringVar(&o.secret, "secret-file", "",
		"a `file` with the secret of HS256 tokens: raw bytes, but for one line break at the end")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: rsguard explain -issuer URL -audience API [TOKEN]")
		fmt.Fprintln(flags.Output(), "After the verdict comes a guess whose token it is. Without -issuer or -audience there is the guess alone.")
		fmt.Fprintln(flags.Output(), "Without TOKEN it is read from standard input, where other users of the machine cannot see it.")
		flags.PrintDefaults()
	}
	return flags
}

// parseExplain parses flags and leaves at most one argument. An argument that
// is not understood is never shown, since it may be a token.
func parseExplain(flags *flag.FlagSet, args []string, errOut io.Writer) error {
	var said bytes.Buffer
	flags.SetOutput(&said)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return &helpError{said.String()}
	case err != nil:
		fmt.Fprintln(errOut, "rsguard explain: there is a flag of another name, or a value that a flag can't have. "+
			"A token that begins with a hyphen needs -- before it.")
		flags.SetOutput(errOut)
		flags.Usage()
		return misuseError{error: errors.New("not understood"), told: true}
	case flags.NArg() <= 1:
		return nil
	}
	for _, arg := range flags.Args()[1:] {
		if strings.HasPrefix(arg, "-") {
			return misuse("there are flags after the token: put them before it")
		}
	}
	return misuse("there are %d arguments beside the flags, and one token is explained at a time", flags.NArg())
}

func (o *explainOptions) validator() (*validator.Validator, error) {
	cfg := o.cfg
	switch {
	case o.keySet == "":
	case strings.HasPrefix(o.keySet, "https://"), strings.HasPrefix(o.keySet, "http://"):
		keys, err := jwks.NewCache(jwks.Config{
			URL: o.keySet, InsecureHTTP: cfg.InsecureHTTP, Logger: slog.New(slog.DiscardHandler),
		})
		cfg.InsecureHTTP = false
		if err != nil {
			return nil, err
		}
		cfg.Keys = keys
	default:
		text, err := readFile("-jwks", o.keySet)
		if err != nil {
			return nil, err
		}
		keys, err := jwks.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("-jwks %s: %s", o.keySet, strings.TrimPrefix(err.Error(), "jwks: "))
		}
		cfg.Keys = keys
	}
	if o.secret != "" {
		secret, err := readFile("-secret-file", o.secret)
		if err != nil {
			return nil, err
		}
		secret = bytes.TrimSuffix(secret, []byte("\n"))
		cfg.Secret = bytes.TrimSuffix(secret, []byte("\r"))
	}
	return validator.New(cfg)
}

// maxFile exceeds the largest known key set, and is the length of the longest
// token that a Validator can read.
const maxFile = 1 << 20

func readFile(name, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s: %s is over 1 MiB", name, path)
	}
	return text, nil
}

// inFlags rewrites a text of the library, which names Go fields, for a person
// who has set flags. The values of a token stay, except those that name a
// field.
func inFlags(text string) string {
	for _, line := range fieldsToFlags {
		text = line.field.ReplaceAllString(text, line.flag)
	}
	return text
}

var fieldsToFlags = func() (lines []struct {
	field *regexp.Regexp
	flag  string
}) {
	for _, line := range [][2]string{
		{`validator: Config\.Issuers is empty`, "-issuer is missing"},
		{`validator: Config\.Audiences is empty`, "-audience is missing"},
		{`validator: Config\.Issuers\[\d+\]`, "-issuer"},
		{`validator: Config\.Audiences:`, "-audience:"},
		{`validator: Config\.Algorithms:`, "-algorithm:"},
		{`validator: Config\.Secret and Config\.Keys exclude`, "-secret-file and -jwks exclude"},
		{`validator: Config\.Secret `, "-secret-file "},
		{`validator: Config\.MaxTokenSize`, "-max-token-size"},
		{`validator: Config\.RequireRFC9068 and Config\.InsecureSkipTypeCheck`, "-rfc9068 and -insecure-skip-type-check"},
		{`needs Config\.Secret,`, "needs -secret-file,"},
		{`used with Config\.Secret\b`, "used with -secret-file"},
		{`there is a Secret\b`, "there is a -secret-file"},
		{`(validator: )?jwks: Config\.Issuer\b`, "-issuer"},
		{`jwks: Config\.URL\b`, "-jwks"},
		{`set Config\.Keys to a jwks\.Cache with the key set's URL`, "set -jwks to the key set's URL"},
		{`, and if it can't be reached, this address as the MetadataURL of a jwks\.Cache; or `, ", or "},
		{`the URL of the jwks\.Config\b`, "the URL of -jwks"},
		{`\bthe Set has no such key, and is never fetched again`, "-jwks has no such key"},
		{`\bConfig\.Audiences\b`, "-audience"},
		{`\bConfig\.Algorithms\b`, "-algorithm"},
		{`validator: Config\.AudienceClaim\b`, "-audience-claim"},
		{`validator: Config\.InsecureHTTP is for keys.*`, "-insecure-http is for keys that are fetched"},
		{`\bConfig\.AudienceClaim\b`, "-audience-claim"},
		{`\bConfig\.InsecureHTTP\b`, "-insecure-http"},
		{`\bConfig\.MaxTokenSize\b`, "-max-token-size"},
		{`\bConfig\.RequireRFC9068\b`, "-rfc9068"},
		{`\bConfig\.InsecureSkipTypeCheck\b|\(InsecureSkipTypeCheck\)`, "-insecure-skip-type-check"},
		{`\bConfig\.Secret\b`, "-secret-file"},
		{`\bConfig\.Keys\b`, "-jwks"},
		{`(^|[^-\w])validator: `, "$1"},
		{`(^|[^-\w])jwks: `, "$1"},
	} {
		lines = append(lines, struct {
			field *regexp.Regexp
			flag  string
		}{regexp.MustCompile(line[0]), line[1]})
	}
	return lines
}()

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
