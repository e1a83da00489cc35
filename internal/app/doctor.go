package app

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
)

type doctorCommand struct {
	OIDC doctorOIDC `cmd:"" name:"oidc" help:"Check how people sign in somewhere else: what is set up, or with --issuer a provider that is not yet."`
}

type doctorOIDC struct {
	Issuer   string `help:"A provider of OpenID Connect, https://id.example.org."`
	ClientID string `name:"client-id" help:"The app as that provider knows it."`
}

// errToChange ends the command with a status that scripts see.
var errToChange = errors.New("something has to change before people can sign in; it is marked wrong above")

// Run asks the providers and says what it finds. It changes nothing, here or there.
func (d *doctorOIDC) Run(p *process) error {
	c, err := p.config()
	if err != nil && d.Issuer == "" {
		return err
	}
	all, err := d.toCheck(p, c)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprint(p.stdout, "No provider is set up. peisear doctor oidc --issuer https://… looks at one before you set it up.\n"+
			"What each wants to know is in docs/sign-in.md.\n")
		return err
	}
	wrong := false
	for _, set := range all {
		redirect := c.PublicURL + "/api/auth/" + string(set.ID) + "/callback"
		report := provider.Check(p.ctx, set, redirect, time.Now)
		wrong = wrong || report.Wrong()
		if _, err := fmt.Fprint(p.stdout, written(report)); err != nil {
			return err
		}
	}
	if wrong {
		return errToChange
	}
	return nil
}

// toCheck returns what the command looks at: the issuer that it was given, or else all
// that is set up, in the environment and in the app.
func (d *doctorOIDC) toCheck(p *process, c Config) (all []provider.Settings, err error) {
	if d.Issuer == "" && d.ClientID != "" {
		return nil, errors.New("--client-id is of use with --issuer only")
	}
	if d.Issuer != "" {
		set := provider.Settings{ID: provider.OpenID, Issuer: d.Issuer, ClientID: d.ClientID}
		if own := c.Providers[provider.OpenID]; own.Issuer == d.Issuer && (d.ClientID == "" || d.ClientID == own.ClientID) {
			set = own
		}
		return []provider.Settings{set}, nil
	}
	for _, set := range c.providers() {
		if set.Given() {
			all = append(all, set)
		}
	}
	path, isFile := strings.CutPrefix(c.DatabaseURL, "sqlite://")
	if _, err := os.Stat(path); isFile && err != nil {
		return all, nil // the server has never run: nothing was entered
	}
	built, err := p.beside(p.ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, built.db.Close()) }()
	secrets, _, err := c.Secrets()
	if err != nil {
		return nil, err
	}
	return oauth.New(built.db, built.log, built.accounts, p.logger(c.LogLevels), c.oauth(secrets)).InUse(p.ctx)
}

// written is a report as a person reads it.
func written(r provider.Report) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %s\nThe redirect address to register there is exactly\n\n  %s\n\n", r.Title, r.Place, r.Redirect)
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "  %-5s  %-9s  %s\n", f.Grade, f.About, f.Text)
	}
	return text.String() + "\n"
}
