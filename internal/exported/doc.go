// Package exported finds the exported types of the library's packages in their
// source, so that a test over all of them notices a new one.
package exported
