// Package programs tests the pages on migrations. The programs of these pages,
// before and after, are in the folders beside it.
package programs
