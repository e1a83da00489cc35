package account

// Hashes is how many passwords have been let through to be hashed.
func (s *Service) Hashes() int64 { return s.gate.passed.Load() }
