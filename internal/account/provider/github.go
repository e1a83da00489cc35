package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// github is OAuth 2 and a look at the API: GitHub gives no id_token to apps. It is
// known by the number of the account, which stays when somebody changes their name.
// It cannot be asked to let somebody sign in anew, only to let them choose an account.
type github struct {
	settings Settings
	client   *http.Client
	config   oauth2.Config
	base     string
	api      string
}

func newGitHub(s Settings, redirect string, client *http.Client) *github {
	base := placeOf(s, githubURL)
	g := &github{settings: s, client: client, base: base, api: base + "/api/v3"} // as GitHub Enterprise Server has it
	if base == githubURL {
		g.api = "https://api.github.com"
	}
	g.config = oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.Secret, RedirectURL: redirect, Scopes: []string{"read:user", "user:email"},
		Endpoint: oauth2.Endpoint{
			AuthURL: base + "/login/oauth/authorize", TokenURL: base + "/login/oauth/access_token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	return g
}

func (g *github) begin(_ context.Context, a Attempt) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier)}
	if a.Confirm {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return g.config.AuthCodeURL(a.State, options...), nil
}

// issued takes the two names that GitHub has for itself.
func (g *github) issued(_ context.Context, issuer string) error {
	if issuer != "" && issuer != g.base && issuer != g.base+"/login/oauth" {
		return g.settings.unproven(fmt.Errorf("the answer is of %.200q", issuer))
	}
	return nil
}

func (g *github) finish(ctx context.Context, a Attempt, in Answer) (Identity, error) {
	token, err := g.settings.exchange(ctx, g.client, g.config, in.Code, a.Verifier)
	if err != nil {
		return Identity{}, err
	}
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	if err := g.ask(ctx, token, "/user", &user); err != nil {
		return Identity{}, g.settings.silent(err)
	}
	if user.ID <= 0 {
		return Identity{}, g.settings.unproven(errors.New("the account has no number"))
	}
	who := Identity{Issuer: g.base, Subject: strconv.FormatInt(user.ID, 10), Name: user.Name}
	if strings.TrimSpace(who.Name) == "" {
		who.Name = user.Login
	}
	who.Email, err = g.email(ctx, token)
	who.EmailVerified = who.Email != ""
	return who, err
}

// email returns the primary address when GitHub has verified it, else "".
func (g *github) email(ctx context.Context, token *oauth2.Token) (string, error) {
	var all []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	err := g.ask(ctx, token, "/user/emails", &all)
	if answer, ok := errors.AsType[*statusError](err); ok && (answer.status == http.StatusForbidden || answer.status == http.StatusNotFound) {
		return "", nil // the app was registered without the right to ask
	}
	if err != nil {
		return "", g.settings.silent(err)
	}
	for _, e := range all {
		if e.Primary && e.Verified {
			return e.Email, nil
		}
	}
	return "", nil
}

func (g *github) ask(ctx context.Context, token *oauth2.Token, path string, into any) error {
	_, err := get(ctx, g.client, g.api+path, http.Header{
		"Authorization":        {"Bearer " + token.AccessToken},
		"Accept":               {"application/vnd.github+json"},
		"X-Github-Api-Version": {"2022-11-28"},
	}, into)
	return err
}
