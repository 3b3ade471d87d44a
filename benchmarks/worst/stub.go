package worst

func (s *service) proofs() ([]Input, error)  { return nil, nil }
func (s *service) headers() ([]Input, error) { return nil, nil }
