// Package readme tests README.md, CONTRIBUTING.md and the pages of docs. Its
// test puts every Go code block of them into a module that requires this one,
// and builds and runs them as a newcomer would.
package readme
