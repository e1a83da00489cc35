package oauth

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth/query"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// lookEvery is how long a node goes on with what admins had entered when it looked last.
const lookEvery = time.Second

// subject is what processes tell each other when an admin has entered something.
const subject = "providers"

// catalog is the providers that are set up, as this node knows them. A provider whose
// settings stay the same stays the same: it has learned about the other side.
type catalog struct {
	mu     sync.Mutex
	looked time.Time // the zero time: look now
	all    map[provider.ID]*provider.Provider
	closed map[string]int64 // versions whose secret could not be opened: said once
}

func newCatalog() *catalog { return &catalog{closed: map[string]int64{}} }

// forget makes the next one who asks look.
func (c *catalog) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = time.Time{}
}

// providers returns those that are set up. While the database does not answer, what was
// known is good enough.
func (s *Service) providers(ctx context.Context) (map[provider.ID]*provider.Provider, error) {
	c := s.catalog
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := s.now().Sub(c.looked); c.all != nil && age >= 0 && age < lookEvery {
		return c.all, nil
	}
	rows, err := s.entered(ctx)
	if err != nil && (c.all == nil || ctx.Err() != nil) {
		return nil, err
	}
	c.looked = s.now()
	if err != nil {
		s.logger.WarnContext(ctx, "cannot look for providers; going on with those that were there", "error", err.Error())
		return c.all, nil
	}
	before := c.all
	c.all = map[provider.ID]*provider.Provider{}
	usable, closed := s.unsealed(rows)
	for _, row := range closed {
		if c.closed[row.Provider] != row.Version {
			c.closed[row.Provider] = row.Version
			s.logger.ErrorContext(ctx, "the secret of a provider cannot be opened: an admin has to enter it again", "provider", row.Provider)
		}
	}
	for id, set := range usable {
		if old := before[id]; old != nil && old.Settings() == set {
			c.all[id] = old
		} else {
			c.all[id] = provider.New(set, s.Redirect(id), s.settings.Now)
		}
	}
	return c.all, nil
}

func (s *Service) entered(ctx context.Context) ([]query.ProviderSetting, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.ProviderSetting, error) {
		return query.New(c).ListSettings(ctx)
	})
}

// effective returns the settings of all that are set up, those that admins have entered
// without their secret. The environment wins.
func (s *Service) effective(rows []query.ProviderSetting) map[provider.ID]provider.Settings {
	all, places := map[provider.ID]provider.Settings{}, map[provider.ID]string{}
	for _, set := range s.settings.Environment {
		if places[set.ID] = set.URL; set.Given() {
			all[set.ID] = set
		}
	}
	for _, row := range rows {
		id := provider.ID(row.Provider)
		if _, ok := all[id]; !ok {
			set := settingsOf(row)
			if set.URL == "" {
				set.URL = places[id]
			}
			all[id] = set
		}
	}
	return all
}

// unsealed returns the same with their secrets, and the rows whose secret cannot be
// opened.
func (s *Service) unsealed(rows []query.ProviderSetting) (all map[provider.ID]provider.Settings, closed []query.ProviderSetting) {
	all = s.effective(rows)
	for _, row := range rows {
		id := provider.ID(row.Provider)
		set := all[id]
		if set.Secret != "" {
			continue // the environment's
		}
		text, err := s.settings.Secret.Open(secretPurpose, row.Provider, row.Secret)
		if err != nil {
			delete(all, id)
			closed = append(closed, row)
			continue
		}
		set.Secret = string(text)
		all[id] = set
	}
	return all, closed
}

// InUse returns the settings of all that are set up, in the environment and in the app,
// for whoever checks them. A secret that cannot be opened is "".
func (s *Service) InUse(ctx context.Context) (all []provider.Settings, err error) {
	defer errs.Wrap(&err, "oauth.InUse")
	rows, err := s.entered(ctx)
	if err != nil {
		return nil, err
	}
	sealed := s.effective(rows)
	usable, _ := s.unsealed(rows)
	for _, id := range provider.All() {
		if set, ok := usable[id]; ok {
			all = append(all, set)
		} else if set, ok := sealed[id]; ok {
			all = append(all, set)
		}
	}
	return all, nil
}

// settingsOf is what an admin has entered, without the secret.
func settingsOf(row query.ProviderSetting) provider.Settings {
	set := provider.Settings{ID: provider.ID(row.Provider), ClientID: row.ClientID}
	for field, value := range extraOf(row) {
		set.Set(field, value)
	}
	return set
}

func extraOf(row query.ProviderSetting) map[provider.Field]string {
	extra := map[provider.Field]string{}
	_ = json.Unmarshal([]byte(row.Extra), &extra) // written by us
	return extra
}

var errNoProvider = coded(errs.NotFound, codeNoProvider, "no such provider")

// provider returns one that is set up. NotFound: nobody knows such a provider.
// Unavailable, with the code not_configured: it is not set up here.
func (s *Service) provider(ctx context.Context, id provider.ID) (*provider.Provider, error) {
	if !known(id) {
		return nil, errNoProvider
	}
	all, err := s.providers(ctx)
	if err != nil {
		return nil, err
	}
	p, ok := all[id]
	if !ok {
		return nil, coded(errs.Unavailable, codeUnconfigured, "signing in with "+provider.Settings{ID: id}.Title()+" is not set up here")
	}
	return p, nil
}

func known(id provider.ID) bool { return slices.Contains(provider.All(), id) }

// Offered returns the providers that are set up, as a page shows them.
func (s *Service) Offered(ctx context.Context) (offered []account.Provider, err error) {
	defer errs.Wrap(&err, "oauth.Offered")
	all, err := s.providers(ctx)
	for _, id := range provider.All() {
		if p, ok := all[id]; ok {
			offered = append(offered, account.Provider{ID: string(id), Name: p.Settings().Title()})
		}
	}
	return offered, err
}
