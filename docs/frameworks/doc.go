// Package frameworks has the code of this folder's README, which its test runs.
package frameworks
