package mockissuer

type grants struct{}
