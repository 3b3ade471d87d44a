package main

import (
	"testing"

	"github.com/rsguard/rsguard/examples/internal/tryout"
)

func TestAPI(t *testing.T) { tryout.API(t, run) }
