package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth/query"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
)

// secretPurpose is what the secrets that admins enter are sealed for.
const secretPurpose = "provider secret"

// Where a provider's settings come from.
const (
	fromEnvironment = "environment"
	fromApp         = "app"
)

// Configured is a provider as admins see it. The secret is shown to nobody.
type Configured struct {
	ID         provider.ID               `json:"id"`
	Name       string                    `json:"name" doc:"as people see it"`
	Configured bool                      `json:"configured"`
	Source     *string                   `json:"source" enum:"environment,app" doc:"who has set it up; null: nobody"`
	ClientID   string                    `json:"clientId"`
	Redirect   string                    `json:"redirectUrl" doc:"what to register at the provider"`
	Extra      map[provider.Field]string `json:"extra" doc:"what else there is: tenant, teamId, keyId, issuer, name, url"`
}

// recorded is what the scope "admin" records of what an admin has entered. version
// tells of a secret that was replaced.
type recorded struct {
	ClientID string                    `json:"clientId"`
	Extra    map[provider.Field]string `json:"extra"`
	Version  int64                     `json:"version"`
}

func recordedOf(row query.ProviderSetting) recorded {
	return recorded{row.ClientID, extraOf(row), row.Version}
}

// Configured returns all providers, set up or not. Forbidden: by is no admin.
func (s *Service) Configured(ctx context.Context, by account.Actor) (all []Configured, err error) {
	defer errs.Wrap(&err, "oauth.Configured")
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.ProviderSetting, error) {
		if err := account.MustBeAdmin(ctx, c, by); err != nil {
			return nil, err
		}
		return query.New(c).ListSettings(ctx)
	})
	if err != nil {
		return nil, err
	}
	for _, id := range provider.All() {
		all = append(all, s.configured(id, rows))
	}
	return all, nil
}

func (s *Service) configured(id provider.ID, rows []query.ProviderSetting) Configured {
	set, ok := s.effective(rows)[id]
	set.ID = id
	c := Configured{ID: id, Name: set.Title(), ClientID: set.ClientID, Redirect: s.Redirect(id), Extra: extra(set)}
	switch {
	case s.environment(id).Given():
		c.Configured, c.Source = true, new(fromEnvironment)
	case ok:
		usable, _ := s.unsealed(rows)
		_, c.Configured = usable[id]
		c.Source = new(fromApp)
	}
	return c
}

// extra is everything but the id, the client and its secret.
func extra(set provider.Settings) map[provider.Field]string {
	all := map[provider.Field]string{}
	for _, f := range []provider.Field{provider.Tenant, provider.TeamID, provider.KeyID, provider.Issuer, provider.Name, provider.URL} {
		if value := set.Get(f); value != "" {
			all[f] = value
		}
	}
	return all
}

// environment is what the operator has set of a provider.
func (s *Service) environment(id provider.ID) provider.Settings {
	i := slices.IndexFunc(s.settings.Environment, func(set provider.Settings) bool { return set.ID == id })
	if i < 0 {
		return provider.Settings{ID: id}
	}
	return s.settings.Environment[i]
}

// Configure sets a provider up. Without a secret the one that was entered before stays,
// as long as it goes to the same place. Forbidden: by is no admin, or (with the code
// confirm) has not just proved who they are. NotFound: nobody knows such a provider.
// Invalid: a setting. Conflict: the environment has set it up.
func (s *Service) Configure(ctx context.Context, by account.Actor, tx string, set provider.Settings) (c Configured, err error) {
	defer errs.Wrap(&err, "oauth.Configure(%s)", set.ID)
	if err := s.mayConfigure(ctx, by, set.ID); err != nil {
		return c, err
	}
	extra, err := json.Marshal(extra(set))
	if err != nil {
		return c, err
	}
	_, seen, err := live.Write(ctx, s.log, account.Audit(by, tx), func(tx *live.Tx) (row query.ProviderSetting, err error) {
		if err := account.MustBeAdmin(ctx, tx, by); err != nil {
			return row, err
		}
		q := query.New(tx)
		old, err := q.GetSetting(ctx, string(set.ID))
		had := err == nil
		if err != nil && !noRow(err) {
			return row, err
		}
		sealed, err := s.secret(set, old, had)
		if err != nil {
			return row, err
		}
		row, err = q.PutSetting(ctx, query.PutSettingParams{
			Provider: string(set.ID), ClientID: set.ClientID, Secret: sealed, Extra: string(extra), Now: tx.Micros(),
		})
		if err != nil {
			return row, err
		}
		return row, errors.Join(s.changed(ctx, tx), tx.Record(providerEntity, string(set.ID), was(old, had), recordedOf(row)))
	})
	if err == nil && seen != nil && !seen.Did(live.Create, providerEntity, string(set.ID)) && !seen.Did(live.Update, providerEntity, string(set.ID)) {
		err = live.ErrOtherMutation
	}
	if err != nil {
		return c, err
	}
	rows, err := s.entered(ctx)
	return s.configured(set.ID, rows), err
}

// changed lets this node and all others look again, once the transaction is durable.
func (s *Service) changed(ctx context.Context, tx *live.Tx) error {
	tx.AfterCommit(s.catalog.forget)
	return tx.Tell(ctx, subject)
}

// was is the row before, nil when there was none.
func was(old query.ProviderSetting, had bool) any {
	if !had {
		return nil
	}
	return recordedOf(old)
}

// secret seals a new one, or keeps the old one. A secret that is not entered again must
// not go to another place than it was entered for. Invalid: a setting.
func (s *Service) secret(set provider.Settings, old query.ProviderSetting, had bool) (sealed string, err error) {
	if set.Secret == "" && had {
		text, err := s.settings.Secret.Open(secretPurpose, old.Provider, old.Secret)
		before := settingsOf(old)
		same := before.ClientID == set.ClientID && before.Issuer == set.Issuer && before.URL == set.URL && before.Tenant == set.Tenant
		if err == nil && same {
			set.Secret, sealed = string(text), old.Secret
		}
	}
	if problems := set.Problems(); len(problems) > 0 {
		return "", errs.Field("body."+string(problems[0].Field), "%s", problems[0].Message)
	}
	for _, f := range []provider.Field{provider.Issuer, provider.URL} {
		if provider.Local(set.Get(f)) && !provider.Local(s.settings.PublicURL) {
			return "", errs.Field("body."+string(f), "is on the server itself, where only its operator may point, in the environment")
		}
	}
	if sealed == "" {
		sealed = s.settings.Secret.Seal(secretPurpose, string(set.ID), []byte(set.Secret))
	}
	return sealed, nil
}

// Unconfigure removes what was entered of a provider. Whoever signed in with it needs
// another way. Errors are those of Configure; NotFound: nothing was entered.
func (s *Service) Unconfigure(ctx context.Context, by account.Actor, tx string, id provider.ID) (err error) {
	defer errs.Wrap(&err, "oauth.Unconfigure(%s)", id)
	if err := s.mayConfigure(ctx, by, id); err != nil {
		return err
	}
	_, seen, err := live.Write(ctx, s.log, account.Audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		if err := account.MustBeAdmin(ctx, tx, by); err != nil {
			return none, err
		}
		row, err := query.New(tx).DeleteSetting(ctx, string(id))
		if err != nil {
			return none, err
		}
		return none, errors.Join(s.changed(ctx, tx), tx.Record(providerEntity, string(id), recordedOf(row), nil))
	})
	if err == nil && seen != nil && !seen.Did(live.Delete, providerEntity, string(id)) {
		err = live.ErrOtherMutation
	}
	return err
}

// mayConfigure asks for the admin first: others learn nothing of what is set up where.
func (s *Service) mayConfigure(ctx context.Context, by account.Actor, id provider.ID) error {
	_, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (struct{}, error) {
		return struct{}{}, account.MustBeAdmin(ctx, c, by)
	})
	switch {
	case err != nil:
		return err
	case !known(id):
		return errNoProvider
	case s.environment(id).Given():
		return errs.New(errs.Conflict, "the operator has set this provider up in the environment; what is entered here would not count")
	}
	return s.accounts.Confirmed(ctx, by)
}

// reseal seals anew what admins have entered; see feature.Feature.
func reseal(ctx context.Context, d *db.DB, m secret.Master) (n int, err error) {
	rows, err := db.Read(ctx, d, func(ctx context.Context, c db.Conn) ([]query.ProviderSetting, error) {
		return query.New(c).ListSettings(ctx)
	})
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		sealed, changed, err := m.Reseal(secretPurpose, row.Provider, row.Secret)
		if err != nil {
			return n, errors.Join(err, errors.New("the secret of the provider "+row.Provider+": enter it again, or remove it"))
		}
		if !changed {
			continue
		}
		written, err := db.Write(ctx, d, func(tx *db.Tx) (int64, error) {
			return query.New(tx).SetSecret(ctx, query.SetSecretParams{Provider: row.Provider, Version: row.Version, Secret: sealed})
		})
		if err != nil {
			return n, err
		}
		n += int(written)
	}
	return n, nil
}
