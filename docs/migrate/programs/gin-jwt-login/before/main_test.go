package main

import (
	"testing"

	"github.com/rsguard/rsguard/docs/migrate/programs/internal/trial"
)

func TestResponses(t *testing.T) { trial.Run(t, trial.Own, newAPI) }
