// Command rsguard helps to develop and debug services that accept access tokens.
//
//	rsguard issuer     runs a mock issuer to get tokens from, with a page to mint them on
//	rsguard explain    says what a validator thinks of a token, check by check
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what keys were fetched is in an explanation, or in the issuer's log
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage:
  rsguard issuer [flags]           run a mock issuer
  rsguard explain [flags] [TOKEN]  say what a validator thinks of a token

-h after a command lists its flags.
`

// run returns the exit code: 0 if all is well, 1 if not, 2 if the command line cannot be understood.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	commands := map[string]func(context.Context, []string, io.Reader, io.Writer, io.Writer) error{
		"issuer":  issuer,
		"explain": explain,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprint(errOut, usage)
		return 2
	}

	err := commands[args[0]](ctx, args[1:], in, out, errOut)
	var misuse misuseError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp), errors.As(err, &misuse) && misuse.told:
		return 2
	case errors.Is(err, errTold):
		return 1
	}
	fmt.Fprintf(errOut, "rsguard %s: %v\n", args[0], err)
	if errors.As(err, &misuse) {
		return 2
	}
	return 1
}

// misuseError is a command line that cannot be understood.
type misuseError struct {
	error

	told bool // package flag has said it
}

func misuse(format string, args ...any) error { return misuseError{error: fmt.Errorf(format, args...)} }

// errTold is the error of a command that has said all there is to say.
var errTold = errors.New("told")

// parse reads flags, and leaves at most so many arguments.
func parse(flags *flag.FlagSet, args []string, errOut io.Writer, rest int) error {
	flags.SetOutput(errOut)
	if err := flags.Parse(args); err != nil {
		return misuseError{error: err, told: true}
	}
	if flags.NArg() > rest {
		return misuse("unexpected argument %q", flags.Arg(rest))
	}
	return nil
}
