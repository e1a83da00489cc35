// Package notes keeps short texts, each for the user who wrote it. It is the slice
// to mirror: small, and complete in everything that a slice has.
//
// A note belongs to one user. To everybody else, admins included, it does not
// exist. Every change is recorded in the user's own scope of the change log.
//
// Exported methods are the contract. They check, open the transaction and record
// the change; the SQL is in queries.sql. tx, where a method takes it, is the
// client's id for the mutation ("" for none): the same mutation sent again changes
// nothing and is answered with the note as it is now.
package notes

import (
	"context"
	"embed"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/notes/query"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// Limits, in characters and in notes.
const (
	MaxTitle = 200
	MaxBody  = 100_000
	MaxPage  = 200
)

// lastID sorts after every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// Note is a note in its API form, which is also what the change log records.
type Note struct {
	ID        string    `json:"id" format:"uuid"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Version   int64     `json:"version" doc:"grows by one with every change"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Draft is what a user writes.
type Draft struct {
	Title string
	Body  string
}

// Edit is a change to a note. A nil field stays as it is. Version, where it is
// given, is the one that the user saw.
type Edit struct {
	Title   *string
	Body    *string
	Version *int64
}

// Service keeps the notes.
type Service struct {
	db  *db.DB
	log *live.Log
}

// New returns the service on a database and its change log.
func New(d *db.DB, log *live.Log) *Service { return &Service{db: d, log: log} }

// Create keeps a new note.
// Invalid: the title is empty or too long, or the body is too long.
func (s *Service) Create(ctx context.Context, by account.Actor, tx string, d Draft) (_ Note, err error) {
	defer errs.Wrap(&err, "notes.Create")
	if d, err = checked(d); err != nil {
		return Note{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	return s.change(ctx, by, tx, "", func(tx *live.Tx) (Note, error) {
		row, err := query.New(tx).CreateNote(ctx, query.CreateNoteParams{
			ID: id, UserID: by.ID, Title: d.Title, Body: d.Body, Now: tx.Micros(),
		})
		if err != nil {
			return Note{}, err
		}
		n := note(row)
		return n, tx.Record("note", id, nil, n)
	})
}

// Get returns one note. NotFound: there is none, or it is another user's.
func (s *Service) Get(ctx context.Context, by account.Actor, id string) (_ Note, err error) {
	defer errs.Wrap(&err, "notes.Get(%s)", id)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Note, error) { return get(ctx, c, by.ID, id) })
}

// List returns up to limit notes, newest first, and whether there are more: those
// before the note with the id before, or from the newest when before is "".
// Invalid: limit is not between 1 and MaxPage.
func (s *Service) List(ctx context.Context, by account.Actor, before string, limit int) (page []Note, more bool, err error) {
	defer errs.Wrap(&err, "notes.List(%s, %d)", before, limit)
	if limit < 1 || limit > MaxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	if before == "" {
		before = lastID
	}
	page, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Note, error) {
		rows, err := query.New(c).ListNotes(ctx, query.ListNotesParams{UserID: by.ID, Before: before, N: int64(limit) + 1})
		return notes(rows), err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

// Update changes a note. An edit that changes nothing leaves the version alone.
// NotFound: there is none, or it is another user's. Invalid: as in Create.
// Conflict: the edit names a version and the note has another; the error carries
// the note as it is now.
func (s *Service) Update(ctx context.Context, by account.Actor, tx, id string, e Edit) (_ Note, err error) {
	defer errs.Wrap(&err, "notes.Update(%s)", id)
	return s.change(ctx, by, tx, id, func(tx *live.Tx) (Note, error) {
		old, err := get(ctx, tx, by.ID, id)
		if err != nil {
			return Note{}, err
		}
		if e.Version != nil && *e.Version != old.Version {
			return Note{}, errs.Stale(old)
		}
		d, err := checked(e.apply(old))
		if err != nil || d == (Draft{old.Title, old.Body}) {
			return old, err
		}
		row, err := query.New(tx).UpdateNote(ctx, query.UpdateNoteParams{
			ID: id, UserID: by.ID, Version: old.Version, Title: d.Title, Body: d.Body, Now: tx.Micros(),
		})
		if err != nil {
			return Note{}, err
		}
		n := note(row)
		return n, tx.Record("note", id, old, n)
	})
}

// Delete removes a note. NotFound: there is none, or it is another user's.
func (s *Service) Delete(ctx context.Context, by account.Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "notes.Delete(%s)", id)
	_, seen, err := live.Write(ctx, s.log, mutation(by, tx), func(tx *live.Tx) (Note, error) {
		row, err := query.New(tx).DeleteNote(ctx, query.DeleteNoteParams{ID: id, UserID: by.ID})
		if err != nil {
			return Note{}, err
		}
		return Note{}, tx.Record("note", id, note(row), nil)
	})
	if err == nil && seen != nil && !seen.Did(live.Delete, "note", id) {
		err = live.ErrOtherMutation
	}
	return err
}

// Leave removes the notes of a user who is being deleted; the scope that would tell of
// it ends with them. Subscribe it to account's topic Leaving.
func (s *Service) Leave(ctx context.Context, tx *live.Tx, l account.Leave) error {
	return query.New(tx).DeleteNotes(ctx, l.UserID)
}

// change runs fn as a mutation and returns the note that it made, or for a mutation
// sent again the note as it is now. id is the note's, "" for one that fn makes.
func (s *Service) change(ctx context.Context, by account.Actor, tx, id string, fn func(*live.Tx) (Note, error)) (Note, error) {
	op := live.Update
	if id == "" {
		op = live.Create
	}
	n, seen, err := live.Write(ctx, s.log, mutation(by, tx), fn)
	switch {
	case err != nil || seen == nil:
		return n, err
	case !seen.Did(op, "note", id):
		return Note{}, live.ErrOtherMutation
	}
	return s.Get(ctx, by, seen.ID)
}

func mutation(by account.Actor, tx string) live.Mutation {
	return live.Mutation{Scopes: []string{by.Scope()}, Actor: by.ID, Tx: tx}
}

func get(ctx context.Context, c db.Conn, userID, id string) (Note, error) {
	row, err := query.New(c).GetNote(ctx, query.GetNoteParams{ID: id, UserID: userID})
	return note(row), err
}

func notes(rows []query.Note) []Note {
	all := make([]Note, 0, len(rows))
	for _, row := range rows {
		all = append(all, note(row))
	}
	return all
}

func note(row query.Note) Note {
	return Note{
		ID: row.ID, Title: row.Title, Body: row.Body, Version: row.Version,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(), UpdatedAt: time.UnixMicro(row.UpdatedAt).UTC(),
	}
}

func (e Edit) apply(n Note) Draft {
	d := Draft{Title: n.Title, Body: n.Body}
	if e.Title != nil {
		d.Title = *e.Title
	}
	if e.Body != nil {
		d.Body = *e.Body
	}
	return d
}

// checked returns the draft as it is kept.
func checked(d Draft) (Draft, error) {
	d.Title = blank.Trim(d.Title)
	switch {
	case d.Title == "":
		return d, errs.Field("body.title", "a note needs a title")
	case utf8.RuneCountInString(d.Title) > MaxTitle:
		return d, errs.Field("body.title", "at most %d characters", MaxTitle)
	case utf8.RuneCountInString(d.Body) > MaxBody:
		return d, errs.Field("body.body", "at most %d characters", MaxBody)
	}
	return d, nil
}
