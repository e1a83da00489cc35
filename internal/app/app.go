// Package app puts the program together. It is the only package that knows all
// the others, and the one place to read what depends on what.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/place"
	"github.com/peisear/peisear/internal/base/trace"
	"github.com/peisear/peisear/internal/base/web"
	pages "github.com/peisear/peisear/web"
)

// How long a client may take, and how long requests in progress may take to end
// when the program stops.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	grace         = 10 * time.Second
	traceGrace    = 3 * time.Second // to send the last traces
)

// App is the program: open, serving nothing until Run. Close it.
type App struct {
	Handler    http.Handler
	SignUpLink string // of the first admin; "" when there is one

	api     *web.API
	db      *db.DB
	places  *place.Places
	backups *backup.Service // nil: none are made by schedule
	tracer  *trace.Tracer   // nil: no traces are sent
	stop    context.CancelFunc
	owned   sync.WaitGroup // every goroutine that outlives a request
	logger  *slog.Logger

	metrics     *metrics.Registry
	metricsAddr string
}

// parts is what the features are built from, and they themselves.
type parts struct {
	db       *db.DB
	hub      *live.Hub
	log      *live.Log
	queue    *job.Queue
	accounts *account.Service
	tokens   *apitoken.Service
	factors  *factor.Service
	features []feature.Feature
}

// build makes the features on a database. It does no I/O.
func build(d *db.DB, s account.Settings, o oauth.Settings, logger *slog.Logger) parts {
	p := parts{db: d, hub: live.NewHub()}
	p.log = live.New(d, p.hub)
	p.queue = job.New(d, logger.With(partKey, "job"), job.Standard())
	p.accounts = account.New(d, p.log, p.hub, logger.With(partKey, "account"), s)
	p.tokens = apitoken.New(d, p.log, p.accounts, logger.With(partKey, "account"), s.Clock.Now)
	p.factors = factor.New(d, p.log, p.accounts, logger.With(partKey, "factor"), factor.Settings{PublicURL: s.PublicURL, Secret: s.Secret, Now: s.Clock.Now})
	elsewhere := oauth.New(d, p.log, p.accounts, logger.With(partKey, "oauth"), o)
	for _, erase := range []func(context.Context, *live.Tx, string) error{factor.Erase, apitoken.Erase, oauth.Erase} {
		p.accounts.Leaving.Subscribe(func(ctx context.Context, tx *live.Tx, l account.Leave) error { return erase(ctx, tx, l.UserID) })
	}
	for _, release := range []func(context.Context, *live.Tx, string) error{factor.Release, oauth.Erase} {
		p.accounts.Claimed.Subscribe(func(ctx context.Context, tx *live.Tx, c account.Claim) error { return release(ctx, tx, c.UserID) })
	}
	administration := admin.New(d, p.log, p.accounts)
	administration.ShowFactors(factor.SetUp)
	administration.ShowProviders(oauth.ProvidersOf)
	p.features = append([]feature.Feature{
		account.Feature(p.accounts),
		factor.Feature(p.factors),
		apitoken.Feature(p.tokens),
		oauth.Feature(elsewhere),
		admin.Feature(administration),
	}, product(d, p.log, p.queue, p.accounts)...)
	p.accounts.ReachOf(p.scopes)
	for _, f := range p.features {
		p.log.Offer(f.Parts...)
		p.queue.Offer(f.Jobs...)
	}
	return p
}

// New opens the database, brings its schema up to date and builds the features.
func New(ctx context.Context, c Config, logger *slog.Logger) (_ *App, err error) {
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	d.OnHealth(func(h db.Health) { logHealth(ctx, logger.With(partKey, "db"), h) })
	secrets, warning, err := c.Secrets()
	if err != nil {
		return nil, err
	}
	warn(ctx, logger, append(c.Warnings(), warning))
	settings, err := c.accounts(secrets)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, settings.Places.Close())
		}
	}()
	p := build(d, settings, c.oauth(secrets), logger)
	if err := d.Migrate(ctx, migrations(p.features)...); err != nil {
		return nil, err
	}
	if _, err := p.log.Epoch(ctx); err != nil { // so that no reader has to begin it
		return nil, err
	}
	if stale, err := p.accounts.CheckSecret(ctx); err != nil {
		return nil, err
	} else if stale {
		logger.WarnContext(ctx, "a former secret is still needed: run peisear keys reseal, then remove COOKIE_SECRET_OLD")
	}
	a := &App{api: web.New(logger.With(partKey, "web"), c.TrustedProxies), db: d, places: settings.Places, metricsAddr: c.MetricsAddr, logger: logger}
	a.measure(p)
	if err := p.accounts.FoldNames(ctx); err != nil {
		return nil, err
	}
	if a.SignUpLink, err = p.accounts.InitialInvite(ctx); err != nil {
		return nil, err
	}
	if err := a.routes(c, p); err != nil {
		return nil, err
	}
	if c.planned() {
		a.backups = backup.New(d, p.log, p.queue, logger.With(partKey, "backup"), c.backedUp(archived(p.features)), c.Backup)
		p.queue.Offer(a.backups.Jobs()...)
		a.metrics.Add(a.backups.Collectors()...)
	}
	a.tracing(c, p.queue)
	a.Handler = a.api.Handler(p.accounts.Authenticate)
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.goOn(ctx, p)
	return a, nil
}

// goOn begins what goes on beside the requests, until ctx ends.
func (a *App) goOn(ctx context.Context, p parts) {
	a.owned.Go(func() { p.hub.Run(ctx, p.log, a.logger.With(partKey, "live")) })
	a.owned.Go(func() { p.accounts.Run(ctx) })
	a.owned.Go(func() { p.tokens.Run(ctx) })
	a.owned.Go(func() { p.queue.Run(ctx) })
	if a.backups != nil {
		a.owned.Go(func() { a.backups.Run(ctx) })
	}
	for _, f := range p.features {
		if f.Run != nil {
			a.owned.Go(func() { f.Run(ctx, a.logger.With(partKey, f.Name)) })
		}
	}
}

// warn says what an operator should know; an empty text says nothing.
func warn(ctx context.Context, logger *slog.Logger, all []string) {
	for _, text := range all {
		if text != "" {
			logger.WarnContext(ctx, text)
		}
	}
}

func (c Config) accounts(s Secrets) (account.Settings, error) {
	sender, err := c.sender()
	if err != nil {
		return account.Settings{}, err
	}
	places, err := c.places()
	return account.Settings{
		PublicURL:         c.PublicURL,
		Secret:            s.Master,
		Keys:              s.Keys,
		AccessTTL:         c.AccessTokenTTL,
		RefreshTTL:        c.RefreshTokenTTL,
		SecureCookie:      c.SecureCookie(),
		Registration:      account.Registration(c.Registration),
		InitialInviteCode: c.InitialInviteCode,
		Passwords:         account.StandardArgon2(),
		Clock:             account.SystemClock(),
		Mail:              sender,
		Places:            places,
	}, err
}

func (c Config) oauth(s Secrets) oauth.Settings {
	return oauth.Settings{
		PublicURL: c.PublicURL, Secret: s.Master, SecureCookie: c.SecureCookie(), Environment: c.providers(), Now: time.Now,
	}
}

func (a *App) routes(c Config, p parts) error {
	for _, f := range p.features {
		if f.Routes != nil {
			f.Routes(a.api)
		}
	}
	p.log.Routes(a.api, access(p))
	a.health()
	files := pages.Files()
	if c.StaticDir != "" {
		files = os.DirFS(c.StaticDir)
	}
	return a.api.Assets(files)
}

// Run serves on the listener until ctx ends, then lets requests end.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           a.Handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelDebug),
	}
	scraped, unscraped := context.WithCancel(ctx)
	defer unscraped()
	if err := a.serveMetrics(scraped); err != nil {
		return err
	}
	server.RegisterOnShutdown(a.stop) // ends the streams, which would outlast the grace
	failed := make(chan error, 1)
	a.owned.Go(func() { failed <- server.Serve(l) })
	a.logger.InfoContext(ctx, "serving", "address", l.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return server.Shutdown(ctx)
}

// Close ends what the app runs and releases the database.
func (a *App) Close() error {
	a.stop()
	a.owned.Wait()
	var err error
	if a.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), traceGrace)
		defer cancel()
		err = a.tracer.Close(ctx)
	}
	return errors.Join(err, a.db.Close(), a.places.Close())
}

func migrations(features []feature.Feature) []fs.FS {
	folders := []fs.FS{live.Migrations, job.Migrations}
	for _, f := range features {
		if f.Migrations != nil {
			folders = append(folders, f.Migrations)
		}
	}
	return folders
}

// access lets users follow their own scope and what the features add to it, as far as
// their token is not limited to less.
func access(p parts) live.Access {
	return func(ctx context.Context) (live.Who, []string, error) {
		who, err := p.accounts.Who(ctx)
		if err != nil {
			return live.Who{}, nil, err
		}
		by, err := account.From(ctx)
		if err != nil {
			return live.Who{}, nil, err
		}
		scopes, err := p.scopes(ctx, who.User)
		if err != nil {
			return live.Who{}, nil, err
		}
		return who, slices.DeleteFunc(append(scopes, by.Scope()), func(scope string) bool { return !by.May(scope) }), nil
	}
}

// scopes are those that the features let a user follow.
func (p parts) scopes(ctx context.Context, userID string) (scopes []string, err error) {
	for _, f := range p.features {
		if f.Scopes == nil {
			continue
		}
		more, err := f.Scopes(ctx, userID)
		if err != nil {
			return nil, fmt.Errorf("scopes of %s: %w", f.Name, err)
		}
		scopes = append(scopes, more...)
	}
	return scopes, nil
}
