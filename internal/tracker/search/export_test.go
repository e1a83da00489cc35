package search

import "context"

// Half catches up as far as to read what is to do; the rest puts it into the index.
func (s *Service) Half(ctx context.Context) (rest func(context.Context) error, err error) {
	texts, _, err := s.readTodo(ctx)
	return func(ctx context.Context) error { return s.put(ctx, texts) }, err
}
