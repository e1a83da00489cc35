package admin

import (
	"context"
	"errors"

	"github.com/peisear/peisear/internal/account"
)

type userCommand struct {
	Create        userCreate   `cmd:"" help:"Make an account. Prints a link that sets its password, once."`
	List          userList     `cmd:"" help:"List the accounts."`
	Disable       userDisable  `cmd:"" help:"Let somebody in no more; their sessions end at once."`
	Enable        userEnable   `cmd:"" help:"Let somebody in again."`
	ResetPassword userPassword `cmd:"" help:"Print a link that sets a new password, once."`
	ResetFactors  userFactors  `cmd:"" help:"Take all second factors from somebody who has lost them; sessions go on."`
	MakeAdmin     userAdmin    `cmd:"" help:"Let somebody manage accounts."`
	MakeUser      userPlain    `cmd:"" help:"Take that from them again."`
	SignOut       userSignOut  `cmd:"" help:"End all sessions of somebody."`
	Delete        userDelete   `cmd:"" help:"Delete an account for good, with everything personal. What its user wrote for others stays, without a name."`
}

// whose is embedded in commands about one user.
type whose struct {
	Email string `arg:"" help:"The address of the account."`
}

type userCreate struct {
	Email         string `arg:"" help:"The address of the account."`
	Name          string `required:"" help:"What others see."`
	Admin         bool   `help:"May manage accounts."`
	PasswordStdin bool   `help:"Read the password from standard input instead of printing a link."`
}

// Run makes the account.
func (c *userCreate) Run(d *Desk) error {
	return d.at(func(ctx context.Context, o Office) error {
		draft := account.Draft{Email: c.Email, DisplayName: c.Name, Role: account.User}
		if c.Admin {
			draft.Role = account.Admin
		}
		if c.PasswordStdin {
			password, err := d.password()
			if err != nil {
				return err
			}
			draft.Password = password
		}
		p, err := o.Accounts.Create(ctx, account.Operator(), draft)
		if err != nil {
			return err
		}
		if err := d.tell("%s has an account now, as %s.", p.Email, p.Role); err != nil || c.PasswordStdin {
			return err
		}
		return d.link(ctx, o, p)
	})
}

// link prints a link that sets a password.
func (d *Desk) link(ctx context.Context, o Office, p account.Profile) error {
	link, expires, err := o.Accounts.ResetLink(ctx, account.Operator(), p.ID)
	if err != nil {
		return err
	}
	if err := d.tell("This link sets the password, once, until %s UTC:", moment(&expires)); err != nil {
		return err
	}
	return d.give(link)
}

type userList struct {
	Search string `placeholder:"TEXT" help:"Only those with this in the name or the address."`
	Status string `enum:"all,active,disabled" default:"all" help:"Only active or disabled ones."`
}

// Run lists the accounts by name.
func (c *userList) Run(d *Desk) error {
	return d.at(func(ctx context.Context, o Office) error {
		f := account.UserFilter{Text: c.Search, Limit: account.MaxPage}
		if c.Status != "all" {
			f.Status = c.Status
		}
		var rows [][]string
		for {
			page, next, err := o.Accounts.Users(ctx, account.Operator(), f)
			if err != nil {
				return err
			}
			for _, u := range page {
				status := account.Active
				if u.Disabled {
					status = account.Disabled
				}
				rows = append(rows, []string{u.Email, string(u.Role), status, moment(u.LastSeenAt), u.DisplayName})
			}
			if f.Cursor = next; next == "" {
				return d.table("EMAIL ROLE STATUS SEEN NAME", rows)
			}
		}
	})
}

type userDisable struct{ whose }

// Run lets them in no more.
func (c *userDisable) Run(d *Desk) error {
	return c.change(d, account.Standing{Disabled: new(true)}, "%s is disabled.")
}

type userEnable struct{ whose }

// Run lets them in again.
func (c *userEnable) Run(d *Desk) error {
	return c.change(d, account.Standing{Disabled: new(false)}, "%s may sign in.")
}

type userAdmin struct{ whose }

// Run makes an admin.
func (c *userAdmin) Run(d *Desk) error {
	return c.change(d, account.Standing{Role: new(account.Admin)}, "%s is an admin.")
}

type userPlain struct{ whose }

// Run makes an admin a user.
func (c *userPlain) Run(d *Desk) error {
	return c.change(d, account.Standing{Role: new(account.User)}, "%s is a user.")
}

func (c *whose) change(d *Desk, to account.Standing, done string) error {
	return c.of(d, func(ctx context.Context, o Office, p account.Profile) error {
		if _, err := o.Accounts.Manage(ctx, account.Operator(), "", p.ID, to); err != nil {
			return err
		}
		return d.tell(done, p.Email)
	})
}

// of does something about the user.
func (c *whose) of(d *Desk, do func(ctx context.Context, o Office, p account.Profile) error) error {
	return d.at(func(ctx context.Context, o Office) error {
		p, err := find(ctx, o, c.Email)
		if err != nil {
			return err
		}
		return do(ctx, o, p)
	})
}

type userPassword struct {
	whose
	PasswordStdin bool `help:"Read the new password from standard input instead of printing a link; all sessions end, and API tokens."`
	KeepTokens    bool `help:"With --password-stdin: let API tokens go on."`
}

// Validate is called by kong.
func (c *userPassword) Validate() error {
	if c.KeepTokens && !c.PasswordStdin {
		return errors.New("whoever uses the link says what becomes of API tokens: --keep-tokens needs --password-stdin")
	}
	return nil
}

// Run prints a link, or sets the password.
func (c *userPassword) Run(d *Desk) error {
	return c.of(d, func(ctx context.Context, o Office, p account.Profile) error {
		if !c.PasswordStdin {
			return d.link(ctx, o, p)
		}
		password, err := d.password()
		if err != nil {
			return err
		}
		if err := o.Accounts.SetPassword(ctx, account.Operator(), p.ID, password, account.Programs(!c.KeepTokens)); err != nil {
			return err
		}
		return d.tell("%s has a new password.", p.Email)
	})
}

type userFactors struct{ whose }

// Run takes the second factors.
func (c *userFactors) Run(d *Desk) error {
	return c.of(d, func(ctx context.Context, o Office, p account.Profile) error {
		if err := o.Factors.Reset(ctx, account.Operator(), p.ID); err != nil {
			return err
		}
		return d.tell("%s has no second factors any more. Their sessions go on.", p.Email)
	})
}

type userSignOut struct {
	whose
	EndTokens bool `help:"End API tokens too."`
}

// Run ends all sessions.
func (c *userSignOut) Run(d *Desk) error {
	return c.of(d, func(ctx context.Context, o Office, p account.Profile) error {
		if err := o.Accounts.SignOutUser(ctx, account.Operator(), "", p.ID, account.Programs(c.EndTokens)); err != nil {
			return err
		}
		return d.tell("%s is signed out everywhere.", p.Email)
	})
}

type userDelete struct {
	whose
	HandOverTo string `placeholder:"EMAIL" help:"Who takes over the open work, and what only this user owned."`
	Unassign   bool   `help:"The open work is nobody's from then on."`
}

// Validate is called by kong.
func (c *userDelete) Validate() error {
	if c.HandOverTo == "" && !c.Unassign {
		return errors.New("say what becomes of their work: --hand-over-to EMAIL or --unassign")
	}
	return nil
}

// Run deletes the account.
func (c *userDelete) Run(d *Desk) error {
	return c.of(d, func(ctx context.Context, o Office, p account.Profile) error {
		deletion := account.Deletion{Work: account.HandOver}
		if c.Unassign {
			deletion.Work = account.Unassign
		}
		if c.HandOverTo != "" {
			heir, err := find(ctx, o, c.HandOverTo)
			if err != nil {
				return err
			}
			deletion.HeirID = heir.ID
		}
		if err := o.Accounts.Delete(ctx, account.Operator(), "", p.ID, deletion); err != nil {
			return err
		}
		return d.tell("The account of %s is deleted.", p.Email)
	})
}
