// Package readme holds README.md and CONTRIBUTING.md to their word: its test
// takes every Go code block out of them, puts the blocks into a module of their
// own that requires this one, and builds and runs what it finds there as a
// newcomer would.
package readme
