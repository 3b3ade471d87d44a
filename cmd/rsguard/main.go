// Command rsguard helps to develop and debug services that accept access
// tokens.
//
//	rsguard issuer     runs a mock issuer to get tokens from, with a page to mint them on
//	rsguard explain    says what a validator thinks of a token, check by check
//	rsguard doctor     checks a configuration against its live issuer, before it is deployed
//	rsguard conform    tests an API, in any language, with good and bad tokens
//	rsguard version    prints its version
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
	"os/signal"
	"runtime/debug"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // fetches of keys are in an explanation, or in the issuer's log
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage:
  rsguard issuer [flags]           run a mock issuer
  rsguard explain [flags] [TOKEN]  say what a validator thinks of a token
  rsguard doctor [flags]           check a configuration against its live issuer
  rsguard conform [flags] URL      test an API that trusts a mock issuer
  rsguard version                  print the version
  rsguard help                     print this

-h after a command lists its flags.
`

// run returns the exit code: 0 for success, 1 for failure, 2 for a command line
// that is not understood, and 3 if conform could not try the API.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return 2
	}
	commands := map[string]func(context.Context, []string, io.Reader, io.Writer, io.Writer) error{
		"issuer":  issuer,
		"explain": explain,
		"doctor":  doctor,
		"conform": conformance,
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
		return 0
	case "version", "-version", "--version":
		fmt.Fprintln(out, version())
		return 0
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(errOut, "rsguard: there is no command %s\n%s", quoted(args[0]), usage)
		return 2
	}

	err := command(ctx, args[1:], in, out, errOut)
	var misuse misuseError
	code := 1
	if exit := new(exitError); errors.As(err, exit) {
		code = exit.code
	}
	switch {
	case err == nil:
		return 0
	case errors.As(err, &misuse) && misuse.told:
		return 2
	case errors.Is(err, errTold):
		return code
	}
	if help := new(helpError); errors.As(err, &help) {
		fmt.Fprint(out, help.text)
		return 0
	}
	fmt.Fprintf(errOut, "rsguard %s: %v\n", args[0], err)
	if errors.As(err, &misuse) {
		return 2
	}
	return code
}

// version returns the version from the build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "rsguard, of an unknown version"
	}
	text := "rsguard " + info.Main.Version
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			text += " " + setting.Value
		}
	}
	return text + " " + info.GoVersion
}

// quoted quotes an argument, unless it is so long that it may be a token.
func quoted(arg string) string {
	const most = 32
	if len(arg) > most {
		return fmt.Sprintf("of that name (%d bytes)", len(arg))
	}
	return fmt.Sprintf("%q", arg)
}

// A misuseError says that the command line is not understood.
type misuseError struct {
	error

	told bool // package flag has printed it
}

func misuse(format string, args ...any) error { return misuseError{error: fmt.Errorf(format, args...)} }

// An exitError is an error with the exit code that it stands for.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// A helpError is the response to -h after a command.
type helpError struct{ text string }

func (*helpError) Error() string { return "help was asked for" }

// errTold is the error of a command that has printed everything.
var errTold = errors.New("told")

// parse reads flags, and leaves at most this many arguments.
func parse(flags *flag.FlagSet, args []string, errOut io.Writer, rest int) error {
	var said bytes.Buffer
	flags.SetOutput(&said)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return &helpError{said.String()}
	case err != nil:
		_, _ = said.WriteTo(errOut)
		return misuseError{error: err, told: true}
	case flags.NArg() > rest:
		return misuse("unexpected argument %s", quoted(flags.Arg(rest)))
	}
	return nil
}
