package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

// envFile is read where it exists, for what the environment does not say.
const envFile = ".env"

// healthTimeout is how long the healthcheck waits for an answer.
const healthTimeout = 3 * time.Second

// process is what the program was started with.
type process struct {
	ctx            context.Context //nolint:containedctx // the process is one call
	getenv         func(string) string
	stdout, stderr io.Writer
}

// Main is the program: it returns the exit status, 0 for success, 1 for a command
// that could not do its work and 2 for one that was called wrongly.
func Main(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var cli struct {
		Version     versionCommand     `cmd:"" help:"Print the version."`
		Serve       serveCommand       `cmd:"" default:"withargs" help:"Serve the app (this is what happens without a command)."`
		Migrate     migrateCommand     `cmd:"" help:"Bring the database to this version."`
		GenJWTKeys  genJWTKeysCommand  `cmd:"" name:"gen-jwt-keys" help:"Print a new key pair as lines for .env."`
		Backup      backupCommand      `cmd:"" help:"Write a checked copy of everything into a new file, while the server works."`
		Restore     restoreCommand     `cmd:"" help:"Put a backup to where a new server will find it."`
		Archive     archiveCommand     `cmd:"" help:"Carry everything from one database to another, of either engine."`
		Job         jobCommand         `cmd:"" help:"See the jobs that the server does later, and clear those that it gave up."`
		Keys        keysCommand        `cmd:"" help:"Replace keys and secrets."`
		Doctor      doctorCommand      `cmd:"" help:"Look for what is wrong with the set-up, and say what to change."`
		Healthcheck healthcheckCommand `cmd:"" help:"Ask the running server whether it is well."`
		OpenAPI     openAPICommand     `cmd:"" name:"openapi" hidden:"" help:"Print the description of the API."`
	}
	status := -1
	options := []kong.Option{
		kong.Name("peisear"), kong.Description("A self-hosted issue tracker. Settings come from the environment and from .env; see docs/configuration.md."),
		kong.Writers(stdout, stderr), kong.UsageOnError(), kong.Exit(func(code int) { status = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	}
	for _, c := range commands() {
		var tags []string
		if c.Hidden {
			tags = append(tags, `hidden:""`)
		}
		options = append(options, kong.DynamicCommand(c.Name, c.Help, "", c.Parse, tags...))
	}
	parser, err := kong.New(&cli, options...)
	if err != nil {
		return complain(stderr, err)
	}
	parsed, err := parser.Parse(args)
	switch {
	case status >= 0: // --help has been answered
		return status
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "peisear: %v\nTry: peisear --help\n", err)
		return 2
	}
	p := &process{ctx: ctx, getenv: getenv, stdout: stdout, stderr: stderr}
	if err := parsed.Run(p, p.host(), p.desk()); err != nil {
		return complain(stderr, err)
	}
	return 0
}

// complain says in as few lines as there are problems what went wrong.
func complain(stderr io.Writer, err error) int {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(stderr, "peisear:", line)
	}
	return 1
}

func (p *process) config() (Config, error) { return ReadConfig(p.getenv, envFile) }

func (p *process) logger(levels LogLevels) *slog.Logger {
	return newLogger(p.stderr, levels)
}

// host lets a feature's command work on the database beside a server.
func (p *process) host() *feature.Host {
	return &feature.Host{Ctx: p.ctx, Stdout: p.stdout, Stderr: p.stderr, Open: p.open}
}

// desk lets the operator manage accounts there.
func (p *process) desk() *admin.Desk {
	return &admin.Desk{
		Ctx: p.ctx, Stdin: os.Stdin, Stdout: p.stdout, Stderr: p.stderr,
		Open: func(ctx context.Context) (admin.Office, error) {
			c, err := p.config()
			if err != nil {
				return admin.Office{}, err
			}
			built, err := p.beside(ctx, c)
			return admin.Office{Accounts: built.accounts, Factors: built.factors, DB: built.db, Log: built.log}, err
		},
	}
}

func (p *process) open(ctx context.Context) (*db.DB, *live.Log, error) {
	c, err := p.config()
	if err != nil {
		return nil, nil, err
	}
	built, err := p.beside(ctx, c)
	return built.db, built.log, err
}

// beside builds the features on a database that a server may have open. Close its
// database.
func (p *process) beside(ctx context.Context, c Config) (_ parts, err error) {
	if err := present(c.DatabaseURL); err != nil {
		return parts{}, err
	}
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return parts{}, err
	}
	built, err := offline(d, c, p.logger(c.LogLevels))
	if err != nil {
		return parts{}, errors.Join(err, d.Close())
	}
	if err := d.Current(ctx, migrations(built.features)...); err != nil {
		return parts{}, errors.Join(err, d.Close())
	}
	return built, nil
}

// offline builds the features for a command that signs nobody in. The codes that it
// gives out are kept as hashes and derive from no secret, so it needs none of the
// operator's, and makes none up in their folder.
func offline(d *db.DB, c Config, logger *slog.Logger) (parts, error) {
	text, err := secret.Random()
	if err != nil {
		return parts{}, err
	}
	master, err := secret.NewMaster(text)
	if err != nil {
		return parts{}, err
	}
	sender, err := c.sender()
	return build(d, account.Settings{
		PublicURL: c.PublicURL, Secret: master, Passwords: account.StandardArgon2(), Clock: account.SystemClock(), Mail: sender,
	}, oauth.Settings{PublicURL: c.PublicURL, Secret: master, Now: time.Now}, logger), err
}

type serveCommand struct{}

// heapGrowth is how much garbage may stand beside what is in use, in percent. What is in
// use is about ten megabytes, and collecting it at each doubling was a fifth of the CPU
// time of every request. GOGC overrides it.
const heapGrowth = 300

// Run serves until the process is told to end.
func (*serveCommand) Run(p *process) (err error) {
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	c, err := p.config()
	if err != nil {
		return err
	}
	// Listening comes first: a port in use is said at once, and nothing is touched.
	var lc net.ListenConfig
	l, err := lc.Listen(p.ctx, "tcp", c.BindAddr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (BIND_ADDR): %w", c.BindAddr, err)
	}
	defer func() {
		if closed := l.Close(); err == nil && !errors.Is(closed, net.ErrClosed) {
			err = closed
		}
	}()
	a, err := New(p.ctx, c, p.logger(c.LogLevels))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.SignUpLink != "" {
		_, err = fmt.Fprintf(p.stdout, "\nThere is no admin yet. Sign up here:\n\n  %s\n\n", a.SignUpLink)
	} else {
		_, err = fmt.Fprintf(p.stdout, "Peisear is at %s\n", c.PublicURL)
	}
	if err != nil {
		return err
	}
	return a.Run(p.ctx, l)
}

type migrateCommand struct{}

// Run brings the database to this version.
func (*migrateCommand) Run(p *process) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	d, err := db.Open(p.ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	built, err := offline(d, c, p.logger(c.LogLevels))
	if err != nil {
		return err
	}
	if err := d.Migrate(p.ctx, migrations(built.features)...); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, "the database is up to date")
	return err
}

type genJWTKeysCommand struct{}

// Run prints a key pair.
func (*genJWTKeysCommand) Run(p *process) error {
	lines, err := jwtKeyLines()
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.stdout, lines)
	return err
}

type healthcheckCommand struct {
	URL string `help:"Where the server is; by default the port of BIND_ADDR on this machine."`
}

// Run asks the server, as a container's HEALTHCHECK does.
func (h *healthcheckCommand) Run(p *process) error {
	if h.URL == "" {
		c, err := p.config()
		if err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(c.BindAddr)
		if err != nil {
			return err
		}
		h.URL = "http://127.0.0.1:" + port
	}
	ctx, cancel := context.WithTimeout(p.ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/api/health", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", answer.StatusCode, strings.TrimSpace(string(text)))
	}
	_, err = p.stdout.Write(text)
	return err
}

type openAPICommand struct{}

// Run prints the description of the API. It needs no database.
func (*openAPICommand) Run(p *process) error {
	document, err := Document()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", document)
	return err
}

// Document is the OpenAPI description of all that the program serves.
func Document() ([]byte, error) {
	discard := slog.New(slog.DiscardHandler)
	built, err := offline(nil, Config{}, discard)
	if err != nil {
		return nil, err
	}
	a := &App{api: web.New(discard, nil), logger: discard}
	if err := a.routes(Config{}, built); err != nil {
		return nil, err
	}
	return indented(a.api.Document())
}
