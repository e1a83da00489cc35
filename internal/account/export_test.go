package account

import (
	"context"
	"strings"
)

// Hashes is how many passwords have been let through to be hashed.
func (s *Service) Hashes() int64 { return s.gate.passed.Load() }

// Deliver sends the mails that wait, and returns when they are sent.
func (s *Service) Deliver(ctx context.Context) {
	for {
		select {
		case job := <-s.post.jobs:
			job(ctx)
		default:
			return
		}
	}
}

// Waiting is how many mails wait to be sent.
func (s *Service) Waiting() int { return len(s.post.jobs) }

// AgentOf is what is shown of a User-Agent header.
func AgentOf(header string) string {
	a := agentOf(header)
	return strings.Join([]string{a.device, a.browser, a.os}, ", ")
}

// HashOf is a password as it is kept.
func HashOf(password string, cost Argon2) string { return newPHC(password, cost).String() }
