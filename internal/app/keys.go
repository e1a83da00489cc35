package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/secret"
)

type keysCommand struct {
	List   keysListCommand   `cmd:"" help:"Show which keys sign and verify access tokens."`
	Rotate keysRotateCommand `cmd:"" help:"Take the next step of replacing the key that signs: publish a new one, then let it sign."`
	Reseal keysResealCommand `cmd:"" help:"After COOKIE_SECRET was replaced: seal what is kept under the new one."`
}

// ring returns the keys of access tokens and the file that they are in, "" when they
// are settings.
func (c Config) ring() (r secret.Ring, path string, err error) {
	text := c.JWTPrivateKeyPEM
	if text == "" {
		path = filepath.Join(c.DataDir, privateKeyFile)
		kept, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return r, "", fmt.Errorf("there are no keys at %s: run this in the server's folder, after its first start", path)
		}
		if err != nil {
			return r, "", err
		}
		text = string(kept)
	}
	r, err = secret.ParseRing(text)
	return r, path, err
}

type keysListCommand struct{}

// Run shows the keys.
func (*keysListCommand) Run(p *process) error {
	c, err := p.config()
	if err != nil {
		return err
	}
	r, _, err := c.ring()
	if err != nil {
		return err
	}
	next, waiting := r.Next()
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, err = fmt.Fprintln(table, "KEY\tSTATE\tMADE")
	for i, k := range r.Keys() {
		state, made := "verifies what it signed", "-"
		if i == 0 {
			state = "signs"
		} else if waiting && k.Key.Equal(next.Key) {
			state = "is published, will sign"
		}
		if !k.Made.IsZero() {
			made = k.Made.Format(time.RFC3339)
		}
		_, failed := fmt.Fprintf(table, "%s\t%s\t%s\n", secret.KeyID(&k.Key.PublicKey), state, made)
		err = errors.Join(err, failed)
	}
	return errors.Join(err, table.Flush())
}

type keysRotateCommand struct {
	Now    bool `help:"Let the new key sign, although it was published less than ACCESS_TOKEN_TTL_SECS ago."`
	Stolen bool `help:"Somebody else may have the keys: let a new one sign at once, and no other be good any more."`
}

// Run takes one step. The server sees it at its next start.
func (k *keysRotateCommand) Run(p *process) error {
	c, err := p.config()
	if err != nil {
		return err
	}
	r, path, err := c.ring()
	if err != nil {
		return err
	}
	if r, err = k.step(r, c.AccessTokenTTL); err != nil {
		return err
	}
	if path == "" {
		err = printRing(p.stdout, r)
	} else {
		err = secret.Replace(path, r.Private())
	}
	if err != nil {
		return err
	}
	return k.explain(p, r, path, c.AccessTokenTTL)
}

func (k *keysRotateCommand) step(r secret.Ring, ttl time.Duration) (secret.Ring, error) {
	now := time.Now()
	if k.Stolen {
		return secret.NewRing(now)
	}
	next, waiting := r.Next()
	if known := now.Sub(next.Made); waiting && known < ttl && !k.Now {
		return r, fmt.Errorf("the new key is known for %s only: start the server again, if that is not done, and run this in %s, or add --now",
			known.Round(time.Second), (ttl - known).Round(time.Second))
	}
	return r.Rotate(now)
}

func printRing(w io.Writer, r secret.Ring) error {
	public, err := r.Public()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, keyLines(r.Private(), public))
	return err
}

// explain says what was done and what comes next, apart from the lines for .env.
func (*keysRotateCommand) explain(p *process, r secret.Ring, path string, ttl time.Duration) error {
	do := "Start the server again"
	if path == "" {
		do = "Put these two lines in the place of the present ones, and start the server again"
	}
	if next, waiting := r.Next(); waiting {
		_, err := fmt.Fprintf(p.stderr, "The new key %s is to be published before it signs. %s; after %s run this once more.\n",
			secret.KeyID(&next.Key.PublicKey), do, ttl)
		return err
	}
	former := "What the former key signed stays good"
	if len(r.Keys()) == 1 {
		former = "From then on no other key is good"
	}
	_, err := fmt.Fprintf(p.stderr, "The key %s signs now. %s. %s.\n", secret.KeyID(&r.Keys()[0].Key.PublicKey), do, former)
	return err
}

type keysResealCommand struct {
	Lost bool `help:"Go on with the present COOKIE_SECRET although the former one is lost, without what was sealed with it."`
}

// Run seals anew what is kept, beside a server that may run.
func (k *keysResealCommand) Run(p *process) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	built, err := p.beside(p.ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, built.db.Close()) }()
	secrets, _, err := c.Secrets()
	if err != nil {
		return err
	}
	if k.Lost {
		if err := account.GiveUpSecret(p.ctx, built.db, secrets.Master); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, "The server goes on with this COOKIE_SECRET. What was sealed with another has to be entered anew.")
		return err
	}
	n, err := reseal(p.ctx, built, secrets.Master)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%d values are sealed anew; COOKIE_SECRET_OLD is not needed for them any more.\n", n)
	return err
}

// reseal lets the foundation come last: its value says that all others are done.
func reseal(ctx context.Context, built parts, m secret.Master) (n int, err error) {
	for _, f := range slices.Backward(built.features) {
		if f.Reseal == nil {
			continue
		}
		changed, err := f.Reseal(ctx, built.db, m)
		if err != nil {
			return n, fmt.Errorf("%s: %w", f.Name, err)
		}
		n += changed
	}
	return n, nil
}
