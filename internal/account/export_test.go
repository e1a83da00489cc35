package account

import "strings"

// Hashes is how many passwords have been let through to be hashed.
func (s *Service) Hashes() int64 { return s.gate.passed.Load() }

// Waiting is how many mails wait to be sent.
func (s *Service) Waiting() int { return len(s.post.jobs) }

// AgentOf is what is shown of a User-Agent header.
func AgentOf(header string) string {
	a := agentOf(header)
	return strings.Join([]string{a.device, a.browser, a.os}, ", ")
}

// HashOf is a password as it is kept.
func HashOf(password string, cost Argon2) string { return newPHC(password, cost).String() }
