package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/pack"
	"github.com/peisear/peisear/internal/base/progress"
)

type archiveCommand struct {
	Export archiveExportCommand `cmd:"" help:"Write everything that the database holds into a new file, beside a server that may be running."`
	Import archiveImportCommand `cmd:"" help:"Fill a new database, of either engine, with an archive."`
}

// archived is what an archive has to know of the program.
func archived(features []feature.Feature) archive.Program {
	p := archive.Program{Version: version(), Migrations: migrations(features)}
	for _, f := range features {
		p.Derived = append(p.Derived, f.Derived...)
	}
	return p
}

type archiveExportCommand struct {
	File string `arg:"" help:"The archive, .zip."`
}

// Run writes an archive.
func (a *archiveExportCommand) Run(p *process) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	built, err := p.beside(p.ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, built.db.Close()) }()
	bar := progress.New(p.stderr, 0, "rows")
	m, err := archive.ExportFile(p.ctx, built.db, archived(built.features), a.File, bar.Of)
	if err != nil {
		return fmt.Errorf("no archive was made: %w", taken(a.File, err))
	}
	bar.End()
	_, err = fmt.Fprintf(p.stdout, "%s: %d tables, %d rows\n", a.File, len(m.Tables), rows(m))
	return err
}

func rows(m pack.Manifest) (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

type archiveImportCommand struct {
	File string `arg:"" help:"The archive."`
}

// Run fills the database that DATABASE_URL names.
func (a *archiveImportCommand) Run(p *process) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	built, err := offline(nil, c, p.logger(c.LogLevels))
	if err != nil {
		return err
	}
	bar := progress.New(p.stderr, 0, "rows")
	var m pack.Manifest
	var rest error
	err = pack.OpenFile(a.File, pack.Archive, func(r *pack.Reader) (err error) {
		m = r.Manifest
		rest, err = archive.ImportInto(p.ctx, c.DatabaseURL, archived(built.features), r, bar.Of)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: nothing was imported: %w", a.File, p.plain(err))
	}
	bar.End()
	p.remark(rest)
	_, err = fmt.Fprintf(p.stdout, "%d tables, %d rows are in %s.\n%s", len(m.Tables), rows(m), shown(c.DatabaseURL),
		"Start the server with the COOKIE_SECRET (in local mode: the file cookie-secret of the data folder) that the archive's had.\n")
	return err
}

// plain is an error as people are told it.
func (p *process) plain(err error) error {
	if p.ctx.Err() != nil {
		return errors.New("it was interrupted")
	}
	return errs.Plain(err)
}

// remark says what of an import or a restore is left to the server.
func (p *process) remark(rest error) {
	if rest != nil {
		_, _ = fmt.Fprintf(p.stderr, "peisear: every row is in. What is made of them, such as the search index, is not complete (%v): the server sees to that when it starts\n", p.plain(rest))
	}
}

// shown is a database's URL as it may be shown.
func shown(url string) string {
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		return path
	}
	return "the database of DATABASE_URL"
}
