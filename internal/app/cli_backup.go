package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/pack"
)

type backupCommand struct {
	File string `arg:"" help:"The backup, .zip; with .db only a copy of the SQLite database."`
}

// Run makes a backup beside a server that may be running, of whatever version.
func (b *backupCommand) Run(p *process) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	if err := present(c.DatabaseURL); err != nil {
		return err
	}
	d, err := db.Open(p.ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	versions, err := d.Versions(p.ctx)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return errors.New("there is nothing to back up: the database is empty")
	}
	if strings.HasSuffix(b.File, ".db") {
		err = backup.MakeBare(p.ctx, d, b.File)
		return b.report(p, pack.Manifest{}, err)
	}
	built, err := offline(d, c, p.logger(c.LogLevels))
	if err != nil {
		return err
	}
	of := c.backedUp(archived(built.features))
	m, err := backup.Make(p.ctx, d, of, b.File)
	if err := b.report(p, m, err); err != nil {
		return err
	}
	if missing := of.Missing(m); len(missing) > 0 {
		_, err = fmt.Fprintf(p.stderr, "warning: the backup is without the secrets of local mode: there is no %s. "+
			"Run this in the server's folder, or with its settings.\n", strings.Join(missing, " and no "))
	}
	return err
}

func (b *backupCommand) report(p *process, m pack.Manifest, err error) error {
	if err != nil {
		return fmt.Errorf("no backup was made: %w", taken(b.File, err))
	}
	info, err := os.Stat(b.File)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %d bytes, checked", b.File, info.Size())
	if words := backup.Holds(m); len(words) > 0 {
		text += "; with " + strings.Join(words, " and ")
	}
	_, err = fmt.Fprintln(p.stdout, text)
	return err
}

// taken says it when a file of that name is there.
func taken(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: take another name, or move it away", name)
	}
	return errs.Plain(err)
}

// present makes sure that there is a database to open: opening would make one.
func present(databaseURL string) error {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite://"); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no database at %s: run this in the server's folder, or set DATABASE_URL", path)
		}
	}
	return nil
}

type restoreCommand struct {
	File string `arg:"" help:"The backup: what peisear backup has made, .zip or .db."`
}

// Run puts a backup to where the server will look for it.
func (r *restoreCommand) Run(p *process) error {
	c, err := p.config()
	if err != nil {
		return err
	}
	built, err := offline(nil, c, p.logger(c.LogLevels))
	if err != nil {
		return err
	}
	done, err := backup.Restore(p.ctx, r.File, c.backedUp(archived(built.features)))
	if err != nil {
		return fmt.Errorf("%s: nothing was restored: %w", r.File, p.plain(err))
	}
	p.remark(done.Rest)
	from := "the copy"
	if !done.CreatedAt.IsZero() {
		from = fmt.Sprintf("the backup of %s", done.CreatedAt.Format(time.RFC3339))
	}
	text := fmt.Sprintf("%s is in %s", from, shown(c.DatabaseURL))
	if words := backup.Holds(done.Manifest); len(words) > 0 {
		text += ", with " + strings.Join(words, " and ")
	}
	_, err = fmt.Fprintln(p.stdout, text+". Start the server.")
	return err
}
