// Package meanwhile helps during a migration. The page on migrations shows its
// functions.
package meanwhile
