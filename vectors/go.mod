module github.com/rsguard/rsguard/vectors

go 1.26.0
