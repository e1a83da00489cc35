package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

type inviteCommand struct {
	Create inviteCreate `cmd:"" help:"Make an invite and print its link, which cannot be had again."`
	List   inviteList   `cmd:"" help:"List the invites, newest first."`
	Revoke inviteRevoke `cmd:"" help:"Withdraw an invite."`
}

// never is an invite's lifetime without an end.
const never = "never"

type inviteCreate struct {
	Email   string `help:"Only this address may use it."`
	Role    string `enum:"user,admin" default:"user" help:"What the new user may do: ${enum}."`
	Expires string `default:"7d" placeholder:"7d" help:"How long it is good: 12h, 7d, or never."`
	Mail    bool   `help:"Send the link to the address, too."`
	kong.Plugins
}

// Validate is called by kong.
func (c *inviteCreate) Validate() error {
	_, err := c.expiry(time.Now())
	if err == nil && c.Mail && c.Email == "" {
		err = errors.New("--mail needs --email")
	}
	return err
}

// expiry is nil for never.
func (c *inviteCreate) expiry(now time.Time) (*time.Time, error) {
	if c.Expires == never {
		return nil, nil //nolint:nilnil // as said
	}
	if days, ok := strings.CutSuffix(c.Expires, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return new(now.AddDate(0, 0, int(n))), nil
		}
	}
	d, err := time.ParseDuration(c.Expires)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf("--expires: %q is no time like 12h, 7d or never", c.Expires)
	}
	return new(now.Add(d)), nil
}

// Run makes the invite.
func (c *inviteCreate) Run(d *Desk) error {
	return d.at(func(ctx context.Context, o Office) error {
		draft, err := c.draft(ctx, o)
		if err != nil {
			return err
		}
		i, code, err := o.Accounts.Invite(ctx, account.Operator(), "", draft)
		if err != nil {
			return err
		}
		until := "for ever"
		if i.ExpiresAt != nil {
			until = "until " + moment(i.ExpiresAt) + " UTC"
		}
		if err := d.tell("Invite %s is good %s. Its link:", i.ID, until); err != nil {
			return err
		}
		if err := d.give(o.Accounts.SignUpURL(code)); err != nil || !c.Mail {
			return err
		}
		if !o.Accounts.MailInvite(ctx, i, code) {
			return errors.New("the mail was not sent: hand the link over some other way")
		}
		return d.tell("It was sent to %s.", *i.Email)
	})
}

func (c *inviteCreate) draft(ctx context.Context, o Office) (account.InviteDraft, error) {
	expiry, err := c.expiry(time.Now())
	if err != nil {
		return account.InviteDraft{}, err
	}
	draft := account.InviteDraft{Role: account.Role(c.Role), ExpiresAt: expiry}
	if c.Email != "" {
		draft.Email = &c.Email
	}
	var all []any
	for _, flags := range c.Plugins {
		grants, err := flags.(Promises).Grants(ctx, o.DB, o.Log) //nolint:forcetypeassert // Commands takes nothing else
		if err != nil {
			return draft, err
		}
		all = append(all, grants...)
	}
	if all != nil {
		draft.Grants = all
	}
	return draft, nil
}

type inviteList struct{}

// Run lists the invites.
func (*inviteList) Run(d *Desk) error {
	return d.at(func(ctx context.Context, o Office) error {
		var rows [][]string
		before := ""
		for more := true; more; {
			var page []account.Invite
			var err error
			if page, more, err = o.Accounts.Invites(ctx, account.Operator(), before, account.MaxPage); err != nil {
				return err
			}
			for _, i := range page {
				before = i.ID
				email := "-"
				if i.Email != nil {
					email = *i.Email
				}
				rows = append(rows, []string{i.ID, string(i.State(time.Now())), string(i.Role), moment(i.ExpiresAt), email})
			}
		}
		return d.table("ID STATE ROLE EXPIRES EMAIL", rows)
	})
}

type inviteRevoke struct {
	ID string `arg:"" help:"As the list shows it."`
}

// Run withdraws the invite.
func (c *inviteRevoke) Run(d *Desk) error {
	return d.at(func(ctx context.Context, o Office) error {
		err := o.Accounts.Revoke(ctx, account.Operator(), "", c.ID)
		if errs.Is(err, errs.NotFound) {
			err = fmt.Errorf("there is no invite %s", c.ID)
		}
		if err != nil {
			return err
		}
		return d.tell("Invite %s is withdrawn.", c.ID)
	})
}
